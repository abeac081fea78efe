import type { Condition, ActionInput } from "./shapes.ts";

/** A listener's default action or a rule, as the traffic follows it. */
export interface Route {
  /** The rule's ARN; for a default action its listener's. */
  arn: string;
  listenerArn: string;
  /** Infinity for the default action. */
  priority: number;
  conditions: readonly Condition[];
  actions: readonly ActionInput[];
}

interface Slot {
  route: Route | undefined;
  /** Number of the change that brought it; a later change in force is never undone by an earlier one. */
  change: number;
}

/**
 * The routes in force. Changes are numbered when they are accepted and take
 * effect later; should an earlier one arrive last, it is dropped.
 */
export class Routes {
  #changes = 0;
  readonly #slots = new Map<string, Slot>();
  readonly #byListener = new Map<string, Route[]>();

  /** Accepts a change (undefined: the route is gone); call the answer when it takes effect. */
  accept(arn: string, route: Route | undefined): () => void {
    const change = ++this.#changes;
    return () => {
      const slot = this.#slots.get(arn);
      if (slot !== undefined && slot.change > change) return;
      this.#slots.set(arn, { route, change });
      for (const listenerArn of new Set([slot?.route?.listenerArn, route?.listenerArn])) {
        if (listenerArn !== undefined) this.#sort(listenerArn);
      }
    };
  }

  /** A listener's routes in force, by priority, the default action last. */
  of(listenerArn: string): readonly Route[] {
    return this.#byListener.get(listenerArn) ?? [];
  }

  /** The route in force for a listener's default action (its ARN) or a rule. */
  get(arn: string): Route | undefined {
    return this.#slots.get(arn)?.route;
  }

  #sort(listenerArn: string): void {
    const routes: Route[] = [];
    for (const { route } of this.#slots.values()) if (route?.listenerArn === listenerArn) routes.push(route);
    this.#byListener.set(
      listenerArn,
      routes.sort((a, b) => a.priority - b.priority),
    );
  }
}
