"""Who takes part and who may do what: parties, their accounts, roles, scopes, tokens.

It decides who a request speaks for and which scopes it holds. It never decides about plans.
Standards: RFC 6749 (client credentials), RFC 7519 and 9068 (tokens), RFC 7517 and 7638 (keys), RFC 8414.
"""
