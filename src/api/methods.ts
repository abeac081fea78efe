/** What is asked of a path that isn't there, or that is there for other methods. */
import { TealError } from "../errors.ts";
import type { App } from "./parts.ts";

/** Before the routes, of which it takes note. */
export function refuseOtherMethods(app: App): void {
  const known: { parts: string[]; methods: string[] }[] = [];

  app.addHook("onRoute", ({ url, method }) => {
    known.push({ parts: url.split("/"), methods: [method].flat() });
  });

  app.setNotFoundHandler((request, reply) => {
    const [path = ""] = request.url.split("?");
    const given = path.split("/");
    const methods = known.filter(({ parts }) => isLike(parts, given)).flatMap((route) => route.methods);
    if (methods.length === 0)
      throw new TealError("not-found", `There is nothing at ${request.method} ${path}.`);
    const allowed = [...new Set(methods)].toSorted().join(", ");
    void reply.header("allow", allowed);
    throw new TealError(
      "method-not-allowed",
      `${path} can't be asked by ${request.method}, only by ${allowed}.`,
    );
  });
}

/** `:id` stands for any text that isn't empty. */
function isLike(parts: readonly string[], given: readonly string[]): boolean {
  return (
    parts.length === given.length &&
    parts.every((part, index) => (part.startsWith(":") ? given[index] !== "" : given[index] === part))
  );
}
