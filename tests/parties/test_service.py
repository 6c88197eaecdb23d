async def test_smoke(exchange):
    token = await exchange.token_of(exchange.administrator)
    principal = await exchange.verifier.authenticate(token)
    assert principal.party_id == "exchange"
