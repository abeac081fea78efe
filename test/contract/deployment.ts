/** Records of deployments, as small as they can be, for tests of whatever keeps them. */
import type { Command } from "../../src/deployment/command.ts";
import type { Decision } from "../../src/deployment/decision.ts";
import type { DeploymentEvent } from "../../src/deployment/event.ts";
import { newDeployment } from "../../src/deployment/accept.ts";
import type { Deployment } from "../../src/deployment/record.ts";
import { presets } from "../../src/deployment/strategy.ts";
import type { ServiceTarget } from "../../src/deployment/target.ts";

const actor = { kind: "operator", name: "ada" } as const;

export function deployment(id: string, change: Partial<Deployment> = {}): Deployment {
  const strategy = presets["all-at-once"];
  if (!strategy) throw new Error("the preset all-at-once is gone");
  const service = change.service ?? "checkout";
  const target: ServiceTarget = {
    name: service,
    region: "eu-west-1",
    cluster: "prod",
    service,
    targetGroups: [],
    routes: [],
  };
  const request = { taskDefinition: "web:2" };
  return { ...newDeployment({ id, target, strategy, request, actor, now: 1_000 }), events: 1, ...change };
}

export function note(seq: number): DeploymentEvent {
  return { seq, at: 1_000, type: "note", message: `line ${seq}` };
}

export function command(id: string, change: Partial<Command> = {}): Command {
  return { id, kind: "pause", actor, at: 1_000, ...change };
}

/** A decision that changes `d` and adds `lines` events to its history. */
export function decision(d: Deployment, change: Partial<Deployment> = {}, lines = 1): Decision {
  const events = Array.from({ length: lines }, (_, i) => note(d.events + i));
  return {
    next: { ...d, ...change, events: d.events + lines },
    perform: false,
    events,
    answers: [],
    tell: [],
  };
}
