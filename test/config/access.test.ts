import { describe, expect, it } from "vitest";
import { faults, read, service } from "./reading.ts";

const github = "https://token.actions.githubusercontent.com";

/** A file with these issuers, as YAML. */
const file = (oidc: string) =>
  `services:\n${service("checkout", "strategy: all-at-once")}access:\n  oidc:\n${oidc.replaceAll(/^/gm, "    ")}\n`;

/** One issuer whose only grant asks for these claims. */
const asking = (claims: string, issuer = github) =>
  file(
    `- { issuer: "${issuer}", audience: a, grants: [{ claims: ${claims}, role: viewer, services: [checkout] }] }`,
  );

describe("access", () => {
  it("is closed where it is left out", () => {
    expect(read("services: {}\n").access).toEqual({ oidc: [] });
  });

  it("says whose tokens count, and for what", () => {
    const text = file(`
- issuer: ${github}
  audience: https://teal.example.com
  grants:
    - claims: { repository: acme/checkout, ref: [refs/heads/main, "refs/tags/v*"] }
      role: deployer
      services: [checkout]
- issuer: https://login.example.com/realms/acme
  audience: [a, b]
  name: "{{ email }}"
  jwksUrl: https://login.example.com/keys
  grants:
    - { claims: { groups: ops }, role: operator, services: ["*"], actions: [view, steer] }`);
    expect(read(text).access.oidc).toEqual([
      {
        issuer: github,
        audiences: ["https://teal.example.com"],
        name: "{{ repository }}/{{ workflow }}",
        grants: [
          {
            claims: { repository: ["acme/checkout"], ref: ["refs/heads/main", "refs/tags/v*"] },
            gives: { role: "deployer", services: ["checkout"] },
          },
        ],
      },
      {
        issuer: "https://login.example.com/realms/acme",
        audiences: ["a", "b"],
        name: "{{ email }}",
        jwksUrl: "https://login.example.com/keys",
        grants: [
          {
            claims: { groups: ["ops"] },
            gives: { role: "operator", services: ["*"], actions: ["view", "steer"] },
          },
        ],
      },
    ]);
    const [other] = read(asking("{ sub: a }", "https://login.example.com")).access.oidc;
    expect(other?.name).toBe("{{ sub }}");
  });

  it.each([
    ["{ repository: acme/checkout }", github],
    ['{ repository: ["acme/*", "acme-labs/x"] }', github],
    ['{ repository: "*", repository_owner: acme }', github],
    ["{ repository_id: '74' }", github],
    ['{ sub: "repo:acme/*" }', github],
    ['{ project_path: "acme/*" }', "https://gitlab.com"],
    ['{ groups: "*" }', "https://login.example.com"],
  ])("asks a token for %s of %s", (claims, issuer) => {
    expect(faults(asking(claims, issuer))).toEqual([]);
  });

  it.each([
    ['{ repository: "*" }', github],
    ['{ repository: "acme*" }', github],
    ['{ repository: ["acme/checkout", "*/checkout"] }', github],
    ['{ repository_owner: "acme*" }', github],
    ['{ sub: "repo:*" }', github],
    ['{ sub: "*:environment:production" }', github],
    ["{ environment: production }", github],
    ["{ ref: refs/heads/main }", "https://gitlab.com"],
  ])("lets no strangers in by %s of %s", (claims, issuer) => {
    expect(faults(asking(claims, issuer))).toEqual([
      expect.stringMatching(/^access\.oidc\[0\]\.grants\[0\]\.claims would let strangers in/),
    ]);
  });

  it("tells what is wrong, and what is allowed", () => {
    const text = file(`
- issuer: token.example.com
  grants: []
- issuer: https://login.example.com?x=1
  audience: ""
  name: "{{ a b }}"
  grants:
    - { claims: {}, role: king, services: [checkuot, "check*", "*"] }`);
    expect(faults(text)).toEqual([
      "access.oidc[0].issuer must be a URL such as https://hooks.example",
      "access.oidc[0].audience is missing; it must be a text or a list of texts",
      "access.oidc[0].grants must be at least 1 entries",
      "access.oidc[1].issuer must have no query",
      "access.oidc[1].audience must be at least 1 characters",
      "access.oidc[1].name has {{ a b }}, which is no name of a claim",
      "access.oidc[1].grants[0].claims must ask for at least one claim",
      'access.oidc[1].grants[0].role must be "viewer" or "deployer" or "approver" or "operator" or "admin"',
      "access.oidc[1].grants[0].services[0] names no service: there is no checkuot; there are checkout",
    ]);
    const twice =
      "- { issuer: https://a.example, audience: a, grants: [{ claims: { a: b }, role: admin, services: ['*'] }] }\n";
    expect(faults(file(twice + twice))).toEqual(["access.oidc[1].issuer stands in the list twice"]);
  });
});
