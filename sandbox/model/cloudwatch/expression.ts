import { validationError } from "../error.ts";

/*
 * Metric math, as much of it as the sandbox knows: ids, numbers, + - * /,
 * parentheses and FILL with a number. A value that is missing counts as 0, and
 * a point that would divide by zero is left out (User Guide, "Using metric
 * math").
 */

/** Values by time, ms since the epoch. */
export type Series = ReadonlyMap<number, number>;

export type Expression =
  | { kind: "number"; value: number }
  | { kind: "id"; id: string }
  | { kind: "operation"; operator: "+" | "-" | "*" | "/"; left: Expression; right: Expression }
  | { kind: "fill"; of: Expression; value: number };

/** Reads the text of an expression; throws a ValidationError that names what the sandbox doesn't know. */
export function parseExpression(text: string): Expression {
  const tokens = text.match(/\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\w+|\S/g) ?? [];
  let at = 0;
  const wrong = (what: string) =>
    validationError(
      `Error in expression '${text}': ${what}. The sandbox knows + - * / ( ), ids, numbers and FILL(x, number).`,
    );
  const take = () => tokens[at++] ?? "";
  const expect = (token: string) => {
    const found = take();
    if (found !== token) throw wrong(`'${token}' is expected, not '${found}'`);
  };
  const operations = (operators: string, next: () => Expression) => (): Expression => {
    let left = next();
    for (;;) {
      const operator = tokens[at];
      if (operator === undefined || !isOperator(operator) || !operators.includes(operator)) return left;
      at++;
      left = { kind: "operation", operator, left, right: next() };
    }
  };
  const signedNumber = (): number => {
    const sign = tokens[at] === "-" ? -1 : 1;
    if (sign < 0) at++;
    const token = take();
    if (!/^\d/.test(token)) throw wrong(`a number is expected, not '${token}'`);
    return sign * Number(token);
  };
  const operand = (): Expression => {
    const token = take();
    if (token === "-") {
      return { kind: "operation", operator: "-", left: { kind: "number", value: 0 }, right: operand() };
    }
    if (token === "(") {
      const inner = sum();
      expect(")");
      return inner;
    }
    if (/^\d/.test(token)) return { kind: "number", value: Number(token) };
    if (token === "FILL") {
      expect("(");
      const of = sum();
      expect(",");
      const value = signedNumber();
      expect(")");
      return { kind: "fill", of, value };
    }
    if (/^[a-z]\w*$/.test(token)) return { kind: "id", id: token };
    throw wrong(token === "" ? "it ends too soon" : `'${token}' is not known`);
  };
  const sum: () => Expression = operations("+-", operations("*/", operand));
  const parsed = sum();
  if (at < tokens.length) throw wrong(`'${tokens[at]}' is not known`);
  return parsed;
}

/** The ids that an expression names. */
export function idsIn(expression: Expression): string[] {
  switch (expression.kind) {
    case "number":
      return [];
    case "id":
      return [expression.id];
    case "fill":
      return idsIn(expression.of);
    case "operation":
      return [...idsIn(expression.left), ...idsIn(expression.right)];
  }
}

/** The values of an expression. `times` are all those of the asked stretch, for FILL. A number stays a number. */
export function evaluate(
  expression: Expression,
  series: (id: string) => Series | number,
  times: readonly number[],
): Series | number {
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "id":
      return series(expression.id);
    case "fill": {
      const found = evaluate(expression.of, series, times);
      if (typeof found === "number") return found;
      return new Map(times.map((time) => [time, found.get(time) ?? expression.value]));
    }
    case "operation": {
      const left = evaluate(expression.left, series, times);
      const right = evaluate(expression.right, series, times);
      return combined(expression.operator, left, right);
    }
  }
}

function combined(
  operator: "+" | "-" | "*" | "/",
  left: Series | number,
  right: Series | number,
): Series | number {
  if (typeof left === "number" && typeof right === "number") return calculated(operator, left, right);
  const times = new Set([left, right].flatMap((side) => (typeof side === "number" ? [] : [...side.keys()])));
  const at = (side: Series | number, time: number) =>
    typeof side === "number" ? side : (side.get(time) ?? 0);
  const found = new Map<number, number>();
  for (const time of times) {
    const value = calculated(operator, at(left, time), at(right, time));
    if (Number.isFinite(value)) found.set(time, value);
  }
  return found;
}

function calculated(operator: "+" | "-" | "*" | "/", left: number, right: number): number {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
  }
}

function isOperator(token: string): token is "+" | "-" | "*" | "/" {
  return ["+", "-", "*", "/"].includes(token);
}
