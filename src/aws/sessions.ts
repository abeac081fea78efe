/** Sessions in other accounts: the credentials of a role that Teal assumes, kept until shortly before they end. */
import { AssumeRoleCommand, type STSClient } from "@aws-sdk/client-sts";
import type { AccountRef } from "../deployment/target.ts";
import type { Clock } from "../engine/ports.ts";
import { CallFailed, faultOf } from "./faults.ts";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

export interface Session {
  /**
   * What to sign with. Those who ask while a role is being assumed share the call. Throws `CallFailed`: of class
   * `stuck` where the role can't be assumed, `repeat` where STS can't be asked.
   */
  credentials(): Promise<Credentials>;
  /** What is held now, perhaps over already; nothing is asked for. */
  held(): Credentials | undefined;
  /** Lets these go, so that the next who asks gets new ones; safe to repeat. */
  forget(spent: Credentials | undefined): void;
}

/** How CloudTrail names whoever acts with them. */
export const sessionName = "teal";

/** New ones are asked for so long before the old ones end, which serve on where STS has none to give. */
const renewMs = 5 * 60_000;

const action = "sts:AssumeRole";

export function createSession(sts: Pick<STSClient, "send">, account: AccountRef, clock: Clock): Session {
  let held: (Credentials & { endsAt: number }) | undefined;
  let underWay: Promise<Credentials> | undefined;

  async function renew(): Promise<Credentials> {
    const before = held;
    try {
      held = await assume(sts, account);
      return held;
    } catch (error) {
      if (before && before === held && clock.now() < before.endsAt) return before;
      throw refusal(error, account);
    } finally {
      underWay = undefined;
    }
  }

  return {
    credentials: async () => {
      if (held && clock.now() < held.endsAt - renewMs) return held;
      underWay ??= renew();
      return underWay;
    },
    held: () => held,
    forget(spent) {
      if (held === spent) held = undefined;
    },
  };
}

/** The session's credentials as a client of the SDK takes them, which then keeps none itself. */
export function providerOf(session: Session): () => Promise<Credentials> {
  return Object.assign(() => session.credentials(), { memoized: true });
}

/** Middleware that does not care what passes through it. */
type Middleware = <A, R>(next: (args: A) => Promise<R>) => (args: A) => Promise<R>;

/** First of all, so that a call made again is signed again. */
const first = { step: "initialize", priority: "high", name: "tealSession" } as const;

/** Any client of the SDK. */
export interface Signing {
  middlewareStack: { add(middleware: Middleware, options: typeof first): void };
}

/**
 * Has a call made again, once, with new credentials where AWS no longer takes those that it was signed with: they
 * were revoked, or the clocks differ. What is refused so did nothing.
 */
export function renewing<C extends Signing>(session: Session, client: C): C {
  client.middlewareStack.add(
    (next) => async (args) => {
      const used = session.held();
      try {
        return await next(args);
      } catch (error) {
        if (!(error instanceof Error) || !spent.test(error.name)) throw error;
        session.forget(used);
        return next(args);
      }
    },
    first,
  );
  return client;
}

/** AWS "Common errors"; their endings differ from service to service. */
const spent = /^(?:ExpiredToken|UnrecognizedClient|InvalidClientTokenId)(?:Exception)?$/u;

async function assume(
  sts: Pick<STSClient, "send">,
  { roleArn, externalId }: AccountRef,
): Promise<Credentials & { endsAt: number }> {
  const { Credentials: given } = await sts.send(
    new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: sessionName, ExternalId: externalId }),
  );
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = given ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
    throw new Error("STS answered without credentials");
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    endsAt: Expiration.getTime(),
  };
}

/** Whatever STS refuses is for a person to put right, and may be put right at any time. */
function refusal(error: unknown, { roleArn, externalId }: AccountRef): CallFailed {
  const fault = faultOf(error, action);
  if (fault.class === "repeat") return new CallFailed(fault, error);
  const trust = `must trust Teal's own identity${externalId === undefined ? "" : " with the externalId of teal.yaml"}`;
  const message = `${fault.message}. The role ${roleArn} ${trust}, and that identity needs ${action} for it`;
  return new CallFailed({ ...fault, class: "stuck", message }, error);
}
