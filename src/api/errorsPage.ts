/** `/docs/errors`: where the type of a problem leads. One page, an anchor for each code. */
import { createHash } from "node:crypto";
import { catalogue, type ErrorEntry } from "../errors.ts";

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1d2b2f }
section { padding: .25rem 1rem; border-left: 3px solid #d5e3e3 }
section:target { border-color: #008080; background: #eef6f6 }
h2 { font: 600 1.1rem ui-monospace, monospace; margin: .5rem 0 0 } h2 a { color: inherit; text-decoration: none }
p { margin: .25rem 0 } small { color: #5a6b70 }
@media (prefers-color-scheme: dark) {
  body { background: #12191b; color: #dde7e8 } section { border-color: #2b3a3d }
  section:target { background: #17282a } small { color: #93a4a8 }
}`;

/** What its answer allows as a style, and nothing else. */
export const errorsPageStyle = `'sha256-${createHash("sha256").update(style).digest("base64")}'`;

const sections = Object.entries<ErrorEntry>(catalogue).map(([code, { status, retryable, title, fix }]) => {
  const again = retryable ? "The same request may succeed later." : "";
  const where = status > 0 ? `HTTP ${status}.` : "The cause of a deployment, a hold, or an end at the start.";
  return `<section id="${code}"><h2><a href="#${code}">${code}</a></h2><p>${html(title)}.</p><p>→ ${html(fix)}</p><p><small>${where} ${again}</small></p></section>`;
});

export const errorsPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Teal: errors</title><style>${style}</style></head>
<body><h1>Errors</h1>
<p>Every error that a person can meet, and what to do about it. <a href="/docs">The API</a></p>
${sections.join("\n")}
</body></html>
`;

function html(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}
