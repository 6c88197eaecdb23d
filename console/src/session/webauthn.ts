/** Speaks to the browser's authenticators: octets in base64url on one side, WebAuthn's objects on the other. */

export interface SignInOptions {
  readonly challenge: string;
  readonly rp_id: string;
  readonly origin: string;
  readonly timeout_ms: number;
}

export interface AddOptions extends SignInOptions {
  readonly rp_name: string;
  readonly user_id: string;
  readonly user_name: string;
  readonly algorithms: readonly number[];
  readonly exclude: readonly string[];
}

/** Why no authenticator was asked: the page is not where passkeys work, or the browser has none. */
export class NoPasskeys extends Error {
  constructor(
    readonly why: "origin" | "browser",
    readonly origin: string,
  ) {
    super(why);
    this.name = "NoPasskeys";
  }
}

export function octetsOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
}

export function textOf(octets: ArrayBuffer | null): string {
  const text = String.fromCharCode(...new Uint8Array(octets ?? new ArrayBuffer(0)));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Throws where a passkey cannot work, before the browser refuses in words of its own. */
export function checkPlace(options: SignInOptions, here: string, hasPasskeys: boolean): void {
  if (options.origin !== here) throw new NoPasskeys("origin", options.origin);
  if (!hasPasskeys) throw new NoPasskeys("browser", options.origin);
}

/** Asks for any passkey of this exchange, and gives the body that signs in. */
export async function usePasskey(options: SignInOptions): Promise<unknown> {
  checkPlace(options, location.origin, "PublicKeyCredential" in window);
  const found = await navigator.credentials.get({
    publicKey: {
      challenge: octetsOf(options.challenge),
      rpId: options.rp_id,
      userVerification: "required",
      timeout: options.timeout_ms,
    },
  });
  const credential = found as PublicKeyCredential;
  const answer = credential.response as AuthenticatorAssertionResponse;
  return {
    credential_id: textOf(credential.rawId),
    client_data_json: textOf(answer.clientDataJSON),
    authenticator_data: textOf(answer.authenticatorData),
    signature: textOf(answer.signature),
    user_handle: textOf(answer.userHandle),
  };
}

/** Has a passkey made for the account that is signed in, and gives the body that adds it. */
export async function makePasskey(options: AddOptions, name: string): Promise<unknown> {
  checkPlace(options, location.origin, "PublicKeyCredential" in window);
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: octetsOf(options.challenge),
      rp: { id: options.rp_id, name: options.rp_name },
      user: { id: octetsOf(options.user_id), name: options.user_name, displayName: options.user_name },
      pubKeyCredParams: options.algorithms.map((alg) => ({ type: "public-key" as const, alg })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      excludeCredentials: options.exclude.map((id) => ({ type: "public-key" as const, id: octetsOf(id) })),
      attestation: "none",
      timeout: options.timeout_ms,
    },
  });
  const answer = (made as PublicKeyCredential).response as AuthenticatorAttestationResponse;
  return {
    name,
    client_data_json: textOf(answer.clientDataJSON),
    attestation_object: textOf(answer.attestationObject),
  };
}
