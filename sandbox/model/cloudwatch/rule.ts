import { validationError } from "../error.ts";
import type { AlarmState } from "./shapes.ts";

/*
 * The rule of a composite alarm: ALARM(x), OK(x), INSUFFICIENT_DATA(x), TRUE,
 * FALSE, NOT, AND, OR and parentheses. An alarm stands by its name or its ARN.
 */

export type Rule =
  | { kind: "constant"; value: boolean }
  | { kind: "state"; state: AlarmState; name: string }
  | { kind: "not"; of: Rule }
  | { kind: "and" | "or"; left: Rule; right: Rule };

/** Reads a rule; throws a ValidationError that says where it isn't one. */
export function parseRule(text: string): Rule {
  const tokens = text.match(/"[^"]*"|[^\s()"]+|[()]/g) ?? [];
  let at = 0;
  const wrong = (what: string) => validationError(`AlarmRule must not contain ${what}: ${text}`);
  const take = () => tokens[at++] ?? "";
  const expect = (token: string) => {
    const found = take();
    if (found !== token) throw wrong(`'${found}' where '${token}' belongs`);
  };
  const operand = (): Rule => {
    const token = take();
    switch (token) {
      case "TRUE":
      case "FALSE":
        return { kind: "constant", value: token === "TRUE" };
      case "NOT":
        return { kind: "not", of: operand() };
      case "(": {
        const inner = either();
        expect(")");
        return inner;
      }
      case "ALARM":
      case "OK":
      case "INSUFFICIENT_DATA": {
        expect("(");
        const name = take().replaceAll('"', "");
        expect(")");
        return { kind: "state", state: token, name: name.replace(/^arn:.*:alarm:/, "") };
      }
      default:
        throw wrong(token === "" ? "an end where an alarm belongs" : `'${token}'`);
    }
  };
  const both = (): Rule => {
    let left = operand();
    while (tokens[at] === "AND") {
      at++;
      left = { kind: "and", left, right: operand() };
    }
    return left;
  };
  const either = (): Rule => {
    let left = both();
    while (tokens[at] === "OR") {
      at++;
      left = { kind: "or", left, right: both() };
    }
    return left;
  };
  const rule = either();
  if (at < tokens.length) throw wrong(`'${tokens[at]}'`);
  return rule;
}

/** The alarms that a rule names. */
export function namesIn(rule: Rule): string[] {
  switch (rule.kind) {
    case "constant":
      return [];
    case "state":
      return [rule.name];
    case "not":
      return namesIn(rule.of);
    case "and":
    case "or":
      return [...namesIn(rule.left), ...namesIn(rule.right)];
  }
}

export function holds(rule: Rule, stateOf: (name: string) => AlarmState | undefined): boolean {
  switch (rule.kind) {
    case "constant":
      return rule.value;
    case "state":
      return stateOf(rule.name) === rule.state;
    case "not":
      return !holds(rule.of, stateOf);
    case "and":
      return holds(rule.left, stateOf) && holds(rule.right, stateOf);
    case "or":
      return holds(rule.left, stateOf) || holds(rule.right, stateOf);
  }
}
