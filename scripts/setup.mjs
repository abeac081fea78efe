// Makes a bare machine ready: the right Node, the packages of the lock file, and a Redis for tests and demo.
// Runs before `npm ci`, so it uses nothing but Node. Says what it does; does nothing twice.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const redisMin = "6.2";

/** True when version `found` is `min` or newer; both are dotted numbers. */
const atLeast = (found, min) => {
  const wanted = min.split(".").map(Number);
  const had = found.split(".").map(Number);
  for (const [index, part] of wanted.entries()) {
    if ((had[index] ?? 0) !== part) return (had[index] ?? 0) > part;
  }
  return true;
};

const say = (text) => console.log(`setup: ${text}`);
const fail = (text) => {
  console.error(`setup: ${text}`);
  process.exit(1);
};
const has = (command) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
const run = (command, args) => {
  say(`running ${[command, ...args].join(" ")}`);
  const ended = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  return ended.status === 0;
};

function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const min = engines.node.replace(">=", "");
  if (!atLeast(process.versions.node, min)) {
    fail(`Node ${process.versions.node} is too old; Teal needs ${min} or newer (https://nodejs.org).`);
  }
}

function installPackages() {
  const lock = join(root, "package-lock.json");
  // npm writes this file last, so it dates the installation.
  const installed = join(root, "node_modules/.package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  if (!run("npm", ["ci"])) fail("npm ci failed; what it said is above.");
}

function redisVersion() {
  const asked = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  return asked.status === 0 ? /v=([\d.]+)/.exec(asked.stdout)?.[1] : undefined;
}

function dockerAnswers() {
  const asked = spawnSync("docker", ["version", "--format", "{{.Server.Version}}"], { timeout: 5_000 });
  return asked.status === 0;
}

function installRedis() {
  if (has("apt-get")) {
    const root = process.getuid?.() === 0;
    if (!root && !has("sudo")) return false;
    // Without a terminal nobody can type a password: sudo must then fail rather than wait.
    const elevate = root ? [] : process.stdin.isTTY ? ["sudo"] : ["sudo", "-n"];
    const apt = (...args) => {
      const [command, ...rest] = [...elevate, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...args];
      return run(command, rest);
    };
    say("no Redis and no Docker here, so redis-server comes from apt");
    return apt("update") && apt("install", "-y", "--no-install-recommends", "redis-server");
  }
  if (has("brew")) {
    say("no Redis and no Docker here, so redis comes from Homebrew");
    return run("brew", ["install", "redis"]);
  }
  return false;
}

function findRedis() {
  if (process.env.REDIS_URL) return say("using the Redis that REDIS_URL names");
  const before = redisVersion();
  if (before !== undefined && atLeast(before, redisMin)) return;
  if (dockerAnswers()) return say("no redis-server here; Docker answers, so Redis will run in a container");
  const installed = before === undefined && installRedis();
  const now = installed ? redisVersion() : before;
  if (now !== undefined && atLeast(now, redisMin)) return;
  fail(
    `No Redis ${redisMin} or newer. REDIS_URL is not set; ` +
      `${now === undefined ? "redis-server is not on PATH" : `redis-server on PATH is ${now}`}; ` +
      "no Docker engine answers" +
      (before === undefined ? "; neither apt nor brew could install one" : "") +
      ". Mend any of these and try again.",
  );
}

checkNode();
installPackages();
findRedis();
