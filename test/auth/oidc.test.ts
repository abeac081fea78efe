import { createHmac } from "node:crypto";
import { exportJWK, exportSPKI, type JWTPayload } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { grantsFor, sourceOf } from "../../src/auth/claims.ts";
import { limits } from "../../src/auth/issuerKeys.ts";
import { createOidc } from "../../src/auth/oidc.ts";
import { accessSchema, toAccess } from "../../src/config/access.ts";
import { TealError } from "../../src/errors.ts";
import { createIssuers } from "../../src/outbound/issuers.ts";
import { githubClaims, type Issuer, newKeyPair, sign, type Signer, startIssuer } from "../support/issuer.ts";

const audience = "https://teal.example.com";
const loopback = { names: [], suffixes: [], ranges: ["127.0.0.0/8"] };

const [pair, otherPair] = await Promise.all([newKeyPair(), newKeyPair()]);

let now: number;
let issuer: Issuer;
let stranger: Issuer;
const clock = { now: () => now };

beforeEach(async () => {
  now = 1_790_000_000_000;
  issuer = await startIssuer(pair);
  stranger = await startIssuer(otherPair);
});
afterEach(() => Promise.all([issuer.close(), stranger.close()]));

const usual = () => ({
  issuer: issuer.url,
  audience,
  name: "{{ repository }}@{{ ref }}",
  grants: [
    {
      claims: {
        repository: "acme/checkout",
        ref: ["refs/heads/main", "refs/tags/v*"],
        environment: "production",
      },
      role: "deployer",
      services: ["checkout"],
    },
  ],
});

const accessOf = (...oidc: object[]) => toAccess(accessSchema.parse({ oidc }));

function checking(access = accessOf(usual()), allow = loopback) {
  return createOidc({
    config: () => access,
    keys: createIssuers({ clock, allow, secrets: {} }),
    clock,
  });
}

const claims = (change: JWTPayload = {}): JWTPayload => ({
  ...githubClaims(issuer.url, audience, now),
  ...change,
});
const token = (change: JWTPayload = {}, by: Signer = issuer.signer, header: object = {}) =>
  sign(claims(change), by, header);

/** The code and message that it is refused with. */
async function refusal(jwt: string | Promise<string>, check = checking()): Promise<string> {
  try {
    await check(await jwt);
  } catch (error) {
    if (error instanceof TealError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("it passed");
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a token of a configured issuer", () => {
  it("tells who it is, and what the grants that fit allow", async () => {
    expect(await checking()(await token())).toEqual({
      name: "acme/checkout@refs/heads/main",
      kind: "ci",
      via: "oidc",
      grants: [{ role: "deployer", services: ["checkout"] }],
      id: expect.stringMatching(/^oidc:[0-9a-f]{16}$/),
      expiresAt: now + 300_000,
      source: {
        repository: "acme/checkout",
        commit: "52f98a5ed3b7a2a0f7c5c8b7b9f5d2b1f9d8d5c4",
        environment: "production",
      },
    });
    expect(issuer.asked).toEqual(["/.well-known/openid-configuration", "/jwks"]);
  });

  it.each(["PS512", "ES256", "EdDSA"])("may be signed by %s", async (alg) => {
    await expect(checking()(await token({}, await issuer.addKey(alg, { alg })))).resolves.toBeTruthy();
  });

  it("fits by patterns, lists of values, numbers and truth values; all grants that fit count", async () => {
    const check = checking(
      accessOf({
        issuer: issuer.url,
        audience: ["https://other.example", audience],
        grants: [
          {
            claims: { ref: "refs/tags/v*", run: "17" },
            role: "deployer",
            services: ["a-*"],
            actions: ["view"],
          },
          { claims: { groups: ["ops", "dev"], trusted: "true" }, role: "operator", services: ["*"] },
          { claims: { groups: "admins" }, role: "admin", services: ["*"] },
        ],
      }),
    );
    const change = { ref: "refs/tags/v1.2", run: 17, groups: ["users", "dev"], trusted: true };
    const { name, grants } = await check(await token({ ...change, aud: ["x", audience] }));
    expect(name).toBe("repo:acme/checkout:environment:production");
    expect(grants).toEqual([
      { role: "deployer", services: ["a-*"], actions: ["view"] },
      { role: "operator", services: ["*"] },
    ]);
  });

  it("is called what its claims say, on one line", async () => {
    const { name } = await checking()(await token({ ref: "refs/heads/main" }));
    expect(name).toBe("acme/checkout@refs/heads/main");
    const access = accessOf({ ...usual(), name: "{{ workflow }} {{ constructor }} by {{actor}}" });
    const told = await checking(access)(await token({ workflow: `a\r\nb\u0000${"c".repeat(900)}` }));
    expect(told.name).toMatch(/^a b c{123}…$/);
    expect((await checking(access)(await token())).name).toBe("deploy ? by octocat");
  });

  it("is judged by the configuration of now", async () => {
    let access = accessOf(usual());
    const keys = createIssuers({ clock, allow: loopback, secrets: {} });
    const check = createOidc({ config: () => access, keys, clock });
    const jwt = await token();
    await check(jwt);
    access = accessOf({ ...usual(), grants: [{ ...usual().grants[0], services: ["worker"] }] });
    expect((await check(jwt)).grants).toEqual([{ role: "deployer", services: ["worker"] }]);
    access = accessOf();
    expect(await refusal(jwt, check)).toMatch(/^unauthorized: .* doesn't have/);
  });
});

describe("refused is", () => {
  it("another issuer, whose addresses are never asked", async () => {
    const jwt = token({ iss: stranger.url }, stranger.signer);
    expect(await refusal(jwt)).toBe(
      "unauthorized: The token is of an issuer that access.oidc in teal.yaml doesn't have.",
    );
    expect(stranger.asked).toEqual([]);
    expect(await refusal(token({ iss: `${issuer.url}/` }))).toMatch(/doesn't have/);
    const { iss: _, ...none } = claims();
    expect(await refusal(sign(none, issuer.signer))).toMatch(/doesn't have/);
  });

  it("another audience", async () => {
    expect(await refusal(token({ aud: "https://github.com/acme" }))).toBe(
      `unauthorized: The token is meant for somebody else; its audience must be ${audience}.`,
    );
    const { aud: _, ...none } = claims();
    expect(await refusal(sign(none, issuer.signer))).toMatch(/^unauthorized: .*aud/);
  });

  it("another repository, told what was seen and what was asked", async () => {
    expect(await refusal(token({ repository: "acme/other", environment: undefined }))).toBe(
      "forbidden: No grant in access.oidc is for this token. repository is acme/other, asked for is acme/checkout; " +
        "environment is not in it, asked for is production.",
    );
    expect(await refusal(token({ ref: "refs/heads/fix" }))).toContain(
      "ref is refs/heads/fix, asked for is refs/heads/main or refs/tags/v*.",
    );
    // Neither a prefix nor another case is the same.
    for (const repository of ["acme/checkout2", "acme/Checkout", "evil/acme/checkout"])
      expect(await refusal(token({ repository }))).toMatch(/^forbidden/);
  });

  it("the algorithm none", async () => {
    const unsigned = `${part({ alg: "none", typ: "JWT" })}.${part(claims())}.`;
    expect(await refusal(unsigned)).toMatch(/^unauthorized: The token must be signed by a key/);
    const [, , signature] = (await token()).split(".");
    for (const alg of ["none", "None", "NONE", ""]) {
      expect(await refusal(`${part({ alg, kid: "first" })}.${part(claims())}.${signature}`)).toMatch(
        /^unauthorized/,
      );
    }
  });

  it.each(["HS256", "HS384", "HS512"])("%s by the issuer's public key", async (alg) => {
    const { publicKey } = issuer.signer;
    const pem = await exportSPKI(publicKey);
    const jwk = JSON.stringify(await exportJWK(publicKey));
    for (const secret of [pem, pem.trim(), jwk, JSON.stringify(issuer.keys[0]), ""]) {
      const signed = `${part({ alg, kid: "first", typ: "JWT" })}.${part(claims())}`;
      const mac = createHmac(alg.replace("HS", "sha"), secret).update(signed).digest("base64url");
      expect(await refusal(`${signed}.${mac}`)).toMatch(/^unauthorized: The token must be signed by a key/);
    }
  });

  it("a shared key that the issuer published by mistake", async () => {
    const secret = Buffer.from("a secret that is no secret any more");
    issuer.keys.push({ kty: "oct", kid: "shared", k: secret.toString("base64url"), alg: "HS256" });
    const signed = `${part({ alg: "HS256", kid: "shared" })}.${part(claims())}`;
    const mac = createHmac("sha256", secret).update(signed).digest("base64url");
    expect(await refusal(`${signed}.${mac}`)).toMatch(/^unauthorized/);
  });

  it("one that is expired, but for a little", async () => {
    const exp = now / 1000;
    await checking()(await token({ exp: exp - 29 }));
    expect(await refusal(token({ exp: exp - 30 }))).toBe(
      "unauthorized: The token is expired; get a new one for each request.",
    );
    const { exp: _, ...endless } = claims();
    expect(await refusal(sign(endless, issuer.signer))).toMatch(/claim exp/);
  });

  it("one that is not valid yet, but for a little", async () => {
    await checking()(await token({ nbf: now / 1000 + 30 }));
    expect(await refusal(token({ nbf: now / 1000 + 31 }))).toMatch(/^unauthorized: .*not valid yet/);
  });

  it("an unknown key, after asking once more, and no more often than that", async () => {
    const check = checking();
    await check(await token());
    const other = await issuer.addKey("other", { published: false });
    now += limits.pauseMs;
    for (let times = 0; times < 5; times += 1) {
      expect(await refusal(token({}, other), check)).toBe(
        `unauthorized: The token is signed by a key that ${issuer.url} doesn't publish.`,
      );
    }
    expect(issuer.asked.filter((path) => path === "/jwks")).toHaveLength(2);
  });

  it("a signature that was altered", async () => {
    const jwt = await token();
    const at = jwt.lastIndexOf(".") + 10;
    const altered = `${jwt.slice(0, at)}${jwt[at] === "A" ? "B" : "A"}${jwt.slice(at + 1)}`;
    expect(await refusal(altered)).toBe("unauthorized: The token is not signed by its issuer.");
    expect(await refusal(jwt.slice(0, jwt.lastIndexOf(".") + 1))).toMatch(/^unauthorized/);
  });

  it("a payload that was altered", async () => {
    const [header, , signature] = (await token({ repository: "evil/fork" })).split(".");
    expect(await refusal(`${header}.${part(claims())}.${signature}`)).toMatch(/not signed by its issuer/);
  });

  it("another issuer's key, under a known name too", async () => {
    expect(await refusal(token({}, stranger.signer))).toMatch(/not signed by its issuer/);
    const both = checking(accessOf(usual(), { ...usual(), issuer: stranger.url }));
    expect(await refusal(token({}, stranger.signer), both)).toMatch(/not signed by its issuer/);
  });

  it("a key that the token brings along, or says where to find", async () => {
    const forger = await stranger.addKey("forged");
    const jwk = await exportJWK(forger.publicKey);
    const jku = `${stranger.url}/jwks`;
    const headers = [{ jwk }, { jku }, { x5u: jku }, { jwk, jku, kid: "first" }, { jku, kid: undefined }];
    for (const header of headers) expect(await refusal(token({}, forger, header))).toMatch(/^unauthorized/);
    expect(stranger.asked).toEqual([]);
  });

  it("what a header calls critical and nobody knows", async () => {
    const header = part({ alg: "RS256", kid: "first", crit: ["exp2"], exp2: 1 });
    const [, payload, signature] = (await token()).split(".");
    expect(await refusal(`${header}.${payload}.${signature}`)).toMatch(/^unauthorized/);
  });

  it("one that is too long, before it is read", async () => {
    expect(await refusal(token({ filler: "x".repeat(8_192) }))).toBe(
      "unauthorized: The token is longer than 8192 characters.",
    );
    expect(issuer.asked).toEqual([]);
  });

  it.each(["", "..", "a.b.c", "x", `${part({})}.${part(null)}.`, `${part({})}.${part([])}.x`, "é.é.é"])(
    "what is no token: %j",
    async (text) => {
      expect(await refusal(text)).toMatch(/^unauthorized/);
      expect(issuer.asked).toEqual([]);
    },
  );
});

describe("keys", () => {
  it("are asked for once, however many tokens come", async () => {
    const check = checking();
    const jwt = await token();
    await Promise.all(Array.from({ length: 10 }, () => check(jwt)));
    await check(jwt);
    expect(issuer.asked).toHaveLength(2);
  });

  it("may be new: one that appears is found, one that is withdrawn is forgotten", async () => {
    const check = checking();
    const old = await token({ exp: now / 1000 + 7_200 });
    await check(old);
    now += limits.pauseMs;
    const second = await issuer.addKey("second");
    await check(await token({}, second));
    issuer.keys.shift();
    await check(old);
    now += limits.freshMs;
    await check(await token({}, second));
    expect(await refusal(old, check)).toMatch(/doesn't publish/);
  });

  it("can be where the configuration says", async () => {
    await checking(accessOf({ ...usual(), jwksUrl: `${issuer.url}/jwks` }))(await token());
    expect(issuer.asked).toEqual(["/jwks"]);
  });

  it("are unavailable while the issuer doesn't answer, and asked for again after a pause", async () => {
    const check = checking();
    issuer.fail(503);
    for (const _ of [1, 2, 3]) {
      expect(await refusal(token(), check)).toBe(
        `unavailable: The keys of ${issuer.url}, which signed this token, can't be had at the moment.`,
      );
    }
    expect(issuer.asked).toHaveLength(1);
    await expect(check(await token())).rejects.toMatchObject({ retryAfterMs: limits.pauseMs });
    issuer.fail(undefined);
    now += limits.pauseMs;
    await check(await token());
  });

  it("that are known stay good for an hour of silence; an unknown one is no refusal then", async () => {
    const check = checking();
    await check(await token());
    issuer.fail(500);
    now += limits.keptMs - 1;
    await check(await token());
    const other = await issuer.addKey("other");
    now -= limits.keptMs - 1 - limits.pauseMs;
    expect(await refusal(token({}, other), check)).toMatch(/^unavailable/);
    now += limits.keptMs;
    expect(await refusal(token(), check)).toMatch(/^unavailable/);
  });

  it.each([
    ["is of another issuer", () => ({ issuer: stranger.url })],
    ["names no keys", () => ({ jwks_uri: undefined })],
    ["leads to no keys", () => ({ jwks_uri: `${issuer.url}/nowhere` })],
    ["leads to a file", () => ({ jwks_uri: "file:///etc/passwd" })],
    ["leads to no JSON", () => ({ jwks_uri: `${issuer.url}/page` })],
  ])("can't be had by a description that %s", async (_, description) => {
    issuer.describe(description());
    issuer.otherwise(
      (request, response) => void response.writeHead(request.url === "/page" ? 200 : 404).end("<"),
    );
    expect(await refusal(token())).toMatch(/^unavailable/);
  });

  it("of an issuer with a path are found below it", async () => {
    const iss = `${issuer.url}/realms/acme/`;
    issuer.otherwise((request, response) => {
      const found = request.url === "/realms/acme/.well-known/openid-configuration";
      response.writeHead(found ? 200 : 404);
      response.end(JSON.stringify({ issuer: iss, jwks_uri: `${issuer.url}/jwks` }));
    });
    await checking(accessOf({ ...usual(), issuer: iss }))(await token({ iss }));
  });

  it("are not asked of private addresses that nobody allowed", async () => {
    const nobody = { names: [], suffixes: [], ranges: [] };
    expect(await refusal(token(), checking(accessOf(usual()), nobody))).toMatch(/^unavailable/);
    expect(issuer.asked).toEqual([]);
  });

  it("are refused where they are too many or too large", async () => {
    const [key] = issuer.keys;
    issuer.keys.push(...Array.from({ length: 100 }, (_, n) => ({ ...key, kid: `k${n}` })));
    expect(await refusal(token())).toMatch(/^unavailable/);
    issuer.keys.splice(1, Infinity, { kty: "RSA", kid: "large", x5c: ["x".repeat(512 * 1024)] });
    expect(await refusal(token())).toMatch(/^unavailable/);
    issuer.keys.splice(1);
    await checking()(await token());
  });
});

/** The code that a token with these claims tells. */
const codeOf = (seen: JWTPayload, iss = "https://token.actions.githubusercontent.com") => {
  const grants = [{ claims: { repository: "acme/*" }, role: "viewer", services: ["*"] }];
  const [entry] = accessOf({ issuer: iss, audience, grants }).oidc;
  return entry && sourceOf(entry, { ...claims(), ...seen });
};

describe("the code that it runs for", () => {
  it("is told with its run, by GitHub alone", () => {
    expect(codeOf({})?.url).toBe("https://github.com/acme/checkout/actions/runs/1658821493");
    expect(codeOf({}, "https://ghe.example/_services/token")).not.toHaveProperty("url");
  });

  it.each([
    { repository: "acme" },
    { repository: "a/b/c" },
    { repository: "a/../b" },
    { repository: "a/.." },
    { repository: "a/." },
    { sha: "main" },
    { sha: 7 },
  ])("is not told by %j", (change) => {
    expect(codeOf(change)).toBeUndefined();
  });
});

describe("of an issuer that gives anybody tokens", () => {
  const github = {
    issuer: "https://token.actions.githubusercontent.com",
    audience,
    grants: [
      { claims: { repository: "acme/*", environment: "production" }, role: "deployer", services: ["*"] },
      { claims: { repository_owner: "acme-labs" }, role: "viewer", services: ["*"] },
    ],
  };
  const fitting = (seen: JWTPayload) => {
    const [entry] = accessOf(github).oidc;
    if (!entry) throw new Error("it isn't configured");
    return grantsFor(entry, { ...claims(), ...seen });
  };

  it("strangers aren't told what is asked, those of the house are", () => {
    expect(fitting({})).toHaveLength(1);
    expect(() => fitting({ environment: "staging" })).toThrow(
      "environment is staging, asked for is production.",
    );
    expect(() => fitting({ repository: "evil/x", repository_owner: "evil", sub: "repo:evil/x" })).toThrow(
      /None is for repository evil\/x, repository_id 74, repository_owner evil, repository_owner_id 65, sub repo:evil\/x\.$/,
    );
  });
});
