/** An issuer of tokens, over HTTP: it tells where its keys are, publishes them, and signs whatever a test asks for. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

export interface Issuer {
  /** `http://127.0.0.1:<port>`, and what its tokens' `iss` says. */
  url: string;
  /** Paths asked for so far. */
  asked: string[];
  /** What it publishes. */
  keys: JWK[];
  /** While set, it answers everything so. */
  fail: (status: number | undefined) => void;
  /** What it says of itself, in part. */
  describe: (change: Record<string, unknown>) => void;
  /** Makes another key, and publishes it unless told otherwise. */
  addKey: (kid: string, how?: { alg?: string; published?: boolean }) => Promise<Signer>;
  /** The first key's. */
  signer: Signer;
  /** Answers what it doesn't know itself. */
  otherwise: (answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined) => void;
  close: () => Promise<void>;
}

export interface Signer {
  kid: string;
  alg: string;
  privateKey: KeyPair["privateKey"];
  publicKey: KeyPair["publicKey"];
}

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** Making them takes long, so that several issuers in turn may have the same. */
export const newKeyPair = (alg = "RS256"): Promise<KeyPair> => generateKeyPair(alg, { extractable: true });

/** @param pair the first key, by RS256 */
export async function startIssuer(pair?: KeyPair): Promise<Issuer> {
  let failure: number | undefined;
  let description: Record<string, unknown> = {};
  let rest: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  const asked: string[] = [];
  const keys: JWK[] = [];

  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const json = (body: unknown) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (failure !== undefined) response.writeHead(failure).end();
    else if (path === "/.well-known/openid-configuration")
      json({ issuer: url, jwks_uri: `${url}/jwks`, ...description });
    else if (path === "/jwks") json({ keys });
    else if (rest) rest(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const addKey = async (
    kid: string,
    { alg = "RS256", published = true, pair }: { alg?: string; published?: boolean; pair?: KeyPair } = {},
  ): Promise<Signer> => {
    const { privateKey, publicKey } = pair ?? (await newKeyPair(alg));
    if (published) keys.push({ ...(await exportJWK(publicKey)), kid, alg, use: "sig" });
    return { kid, alg, privateKey, publicKey };
  };
  return {
    url,
    asked,
    keys,
    fail: (status) => (failure = status),
    describe: (change) => (description = change),
    addKey,
    signer: await addKey("first", pair && { pair }),
    otherwise: (answer) => (rest = answer),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What GitHub says in a token of a workflow (GitHub docs, "OpenID Connect reference"), in part. */
export function githubClaims(issuer: string, audience: string, nowMs: number): JWTPayload {
  const now = Math.floor(nowMs / 1000);
  return {
    jti: "6dd5a2d8-5a44-4a86-9a4f-1bd2c1a5a2b1",
    iss: issuer,
    aud: audience,
    sub: "repo:acme/checkout:environment:production",
    iat: now,
    nbf: now - 300,
    exp: now + 300,
    actor: "octocat",
    environment: "production",
    event_name: "push",
    job_workflow_ref: "acme/checkout/.github/workflows/deploy.yml@refs/heads/main",
    ref: "refs/heads/main",
    ref_type: "branch",
    repository: "acme/checkout",
    repository_id: "74",
    repository_owner: "acme",
    repository_owner_id: "65",
    repository_visibility: "private",
    run_attempt: "1",
    run_id: "1658821493",
    run_number: "10",
    sha: "52f98a5ed3b7a2a0f7c5c8b7b9f5d2b1f9d8d5c4",
    workflow: "deploy",
  };
}

export function sign(claims: JWTPayload, by: Signer, header: object = {}): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: by.alg, kid: by.kid, typ: "JWT", ...header })
    .sign(by.privateKey);
}
