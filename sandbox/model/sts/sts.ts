import type { Clock } from "../../clock.ts";
import { randomText, type Random } from "../../random.ts";
import { AwsError } from "../error.ts";
import { homeAccount } from "../region.ts";

/** What a request was signed with, as far as it can be read from it. */
export interface Credential {
  accessKeyId: string;
  /** Only temporary credentials have one. */
  sessionToken?: string;
}

/** Whose call it is. */
export interface Caller {
  account: string;
  arn: string;
  userId: string;
}

/** A role that anybody may assume who knows its external id. */
export interface Role {
  account: string;
  name: string;
  externalId?: string;
  /** The longest session that may be asked for, in seconds. */
  maxSessionSeconds: number;
}

export interface Session {
  accessKeyId: string;
  secretAccessKey: string;
  token: string;
  caller: Caller;
  /** Ms since the epoch, on the sandbox's clock. */
  expiresAt: number;
}

const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** How the keys of sessions begin; others begin with anything else and need no session. */
const keyPrefix = "ASIASANDBOX";

/** Roles, the sessions of those who assumed them, and who calls with which key. */
export class Sts {
  readonly #clock: Clock;
  readonly #random: Random;
  /** By ARN. */
  readonly #roles = new Map<string, Role & { id: string }>();
  /** By access key. */
  readonly #sessions = new Map<string, Session>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Makes a role, or changes the one of this name; returns its ARN. */
  putRole(role: Role): string {
    const arn = `arn:aws:iam::${role.account}:role/${role.name}`;
    const id = this.#roles.get(arn)?.id ?? `AROASANDBOX${randomText(this.#random, 10, upper)}`;
    this.#roles.set(arn, { ...role, id });
    return arn;
  }

  role(arn: string): Role | undefined {
    return this.#roles.get(arn);
  }

  /** Begins a session of a role that there is. */
  begin(roleArn: string, sessionName: string, seconds: number): Session {
    const role = this.#roles.get(roleArn);
    if (role === undefined) throw new Error(`there is no role ${roleArn}`);
    this.#forgetExpired();
    const session = {
      accessKeyId: keyPrefix + randomText(this.#random, 9, upper),
      secretAccessKey: randomText(this.#random, 40, letters),
      token: randomText(this.#random, 64, letters),
      caller: {
        account: role.account,
        arn: `arn:aws:sts::${role.account}:assumed-role/${role.name}/${sessionName}`,
        userId: `${role.id}:${sessionName}`,
      },
      expiresAt: this.#clock.now() + seconds * 1000,
    };
    this.#sessions.set(session.accessKeyId, session);
    return session;
  }

  /** Ends every session of a role at once, as revoking them does. */
  revoke(roleArn: string): void {
    const { account, name } = this.#roles.get(roleArn) ?? {};
    const now = this.#clock.now();
    for (const session of this.#sessions.values()) {
      if (session.caller.arn.startsWith(`arn:aws:sts::${account}:assumed-role/${name}/`))
        session.expiresAt = Math.min(session.expiresAt, now);
    }
  }

  /**
   * Who calls. A session's key leads to its role's account, a key of twelve digits to the account of that number,
   * any other one home. Throws AwsError, in the words of the service that is called, where the session is over or
   * was never begun.
   */
  callerOf(credential: Credential | undefined, protocol: "json" | "query"): Caller {
    const { accessKeyId = "", sessionToken } = credential ?? {};
    if (accessKeyId.startsWith(keyPrefix)) {
      const session = this.#sessions.get(accessKeyId);
      if (session === undefined || session.token !== sessionToken) throw invalid(protocol);
      if (this.#clock.now() >= session.expiresAt) throw expired(protocol);
      return session.caller;
    }
    const account = accountOfKey(accessKeyId);
    return { account, arn: `arn:aws:iam::${account}:user/sandbox`, userId: "SANDBOX" };
  }

  /** The account that a credential leads to, were it still good. */
  accountOf({ accessKeyId }: Credential): string {
    return this.#sessions.get(accessKeyId)?.caller.account ?? accountOfKey(accessKeyId);
  }

  /** Sessions that are long over answer as those that never were. */
  #forgetExpired(): void {
    const dayMs = 86_400_000;
    for (const [key, { expiresAt }] of this.#sessions) {
      if (this.#clock.now() > expiresAt + dayMs) this.#sessions.delete(key);
    }
  }
}

function accountOfKey(accessKeyId: string): string {
  return /^\d{12}$/.test(accessKeyId) ? accessKeyId : homeAccount;
}

function expired(protocol: "json" | "query"): AwsError {
  const message = "The security token included in the request is expired";
  return protocol === "json"
    ? new AwsError("ExpiredTokenException", message)
    : new AwsError("ExpiredToken", message, 403);
}

function invalid(protocol: "json" | "query"): AwsError {
  const message = "The security token included in the request is invalid.";
  return protocol === "json"
    ? new AwsError("UnrecognizedClientException", message)
    : new AwsError("InvalidClientTokenId", message, 403);
}
