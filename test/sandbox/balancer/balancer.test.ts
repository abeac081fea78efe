import { createServer } from "node:http";
import { createServer as createSocketServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { SteppedClock } from "../../../sandbox/clock.ts";
import { binomialInterval } from "./chance.ts";
import { ask, forward, group, many, openScene, until } from "./scene.ts";

type Scene = Awaited<ReturnType<typeof openScene>>;
const scenes: Scene[] = [];
async function scene(options: Parameters<typeof openScene>[0] = {}): Promise<Scene> {
  const opened = await openScene(options);
  scenes.push(opened);
  return opened;
}
afterEach(async () => {
  for (const opened of scenes.splice(0)) await opened.close();
});

describe("sharing requests", () => {
  test.each([
    { weights: [90, 10], seed: 1 },
    { weights: [50, 50], seed: 2 },
    { weights: [99, 1], seed: 3 },
  ])("by weight $weights, seed $seed, over real sockets", async ({ weights, seed }) => {
    const { traffic, network, ask } = await scene({ seed });
    traffic.answer = forward([
      group("a", weights[0] ?? 0, [traffic.run("a1", "demo:1"), traffic.run("a2", "demo:1")]),
      group("b", weights[1] ?? 0, [traffic.run("b1", "demo:2")]),
    ]);
    await network.ready();
    const trials = 3_000;
    const startedAt = performance.now();
    const replies = await many(trials, 16, () => ask());
    const perSecond = Math.round((trials / (performance.now() - startedAt)) * 1000);
    console.log(`the balancer carried ${perSecond} requests/s, client and tasks in the same process`);
    expect(replies.every((reply) => reply.status === 200)).toBe(true);
    const green = replies.filter((reply) => reply.headers["x-version"] === "2").length;
    const { low, high } = binomialInterval(trials, (weights[1] ?? 0) / 100);
    expect(green).toBeGreaterThanOrEqual(low);
    expect(green).toBeLessThanOrEqual(high);
  });

  test("counts what it carried", async () => {
    const { traffic, network, ask, balancer } = await scene();
    traffic.answer = forward([group("a", 1, [traffic.run("a1", "demo:1", { failShare: 0.5 })])]);
    await network.ready();
    const replies = await many(200, 8, () => ask());
    const failed = replies.filter((reply) => reply.status === 500).length;
    expect(failed).toBeGreaterThan(0);
    expect(balancer.recorder.totals().groups).toMatchObject([
      {
        loadBalancerArn: "lb",
        targetGroupArn: "a",
        RequestCount: 200,
        HTTPCode_Target_2XX_Count: 200 - failed,
        HTTPCode_Target_5XX_Count: failed,
        TargetConnectionErrorCount: 0,
      },
    ]);
    expect(balancer.recorder.totals().groups[0]?.responseTimes.count).toBe(200);
    expect(balancer.recorder.totals().balancers).toEqual([]);
  });

  test("fails open over unhealthy targets", async () => {
    const { traffic, network, ask } = await scene();
    const one = { ...traffic.run("a1", "demo:1"), health: "unhealthy" as const };
    traffic.answer = forward([group("a", 1, [one])]);
    await network.ready();
    expect((await ask()).status).toBe(200);
  });

  test("the group cookie holds a client over real sockets", async () => {
    const { traffic, network, ask } = await scene();
    const a = traffic.run("a1", "demo:1");
    const b = traffic.run("b1", "demo:2");
    await network.ready();
    traffic.answer = forward([group("a", 1, [a]), group("b", 0, [b])], 60);
    const cookie = (await ask()).headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
    traffic.answer = forward([group("a", 1, [a]), group("b", 999, [b])], 60);
    const kept = await many(20, 4, () => ask("/", { headers: { cookie } }));
    expect(kept.map((reply) => reply.headers["x-version"])).toEqual(Array.from({ length: 20 }, () => "1"));
    const free = await many(20, 4, () => ask());
    expect(free.some((reply) => reply.headers["x-version"] === "2")).toBe(true);
  });
});

describe("what a target is sent", () => {
  test("the client's address is added to x-forwarded-for, the host is kept, the hop's own headers aren't", async () => {
    const { traffic, ask } = await scene();
    const own = createServer((request, response) => response.end(JSON.stringify(request.headers)));
    await new Promise<void>((resolve) => {
      own.listen(0, "127.0.0.1", resolve);
    });
    try {
      const address = own.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      traffic.answer = forward([group("a", 1, [{ address: "127.0.0.1", port, health: "healthy" }])]);
      const reply = await ask("/x?y=1", {
        headers: { host: "shop.example", "x-forwarded-for": "203.0.113.9", te: "trailers" },
      });
      const seen: unknown = JSON.parse(reply.body.toString());
      expect(seen).toMatchObject({
        host: "shop.example",
        "x-forwarded-for": "203.0.113.9, 127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-port": "80",
      });
      expect(seen).not.toHaveProperty("te");
    } finally {
      own.closeAllConnections();
      own.close();
    }
  });

  test("bodies are streamed both ways, of known and unknown length", async () => {
    const { traffic, network, ask } = await scene();
    traffic.answer = forward([group("a", 1, [traffic.run("a1", "demo:1")])]);
    await network.ready();
    const body = Buffer.alloc(3_000_000, "teal ");
    const known = await ask("/_echo", {
      method: "POST",
      headers: { "content-length": String(body.length) },
      body,
    });
    const chunked = await ask("/_echo", {
      method: "POST",
      headers: { "transfer-encoding": "chunked" },
      body,
    });
    expect(known.body.equals(body)).toBe(true);
    expect(chunked.body.equals(body)).toBe(true);
    const empty = await ask("/_echo", { method: "POST" });
    expect([empty.status, empty.body.length]).toEqual([200, 0]);
    expect((await ask("/", { method: "HEAD" })).status).toBe(200);
  });
});

describe("what the balancer answers by itself", () => {
  test("503 without registered targets, and where no group has weight", async () => {
    const { traffic, ask, balancer } = await scene();
    traffic.answer = forward([group("a", 1, [])]);
    expect((await ask()).status).toBe(503);
    const target = { ...traffic.run("a1", "demo:1"), health: "draining" as const };
    traffic.answer = forward([group("a", 1, [target])]);
    expect((await ask()).status).toBe(503);
    traffic.answer = forward([group("a", 0, [{ ...target, health: "healthy" }])]);
    expect((await ask()).status).toBe(503);
    expect(balancer.recorder.totals().groups).toEqual([]);
    expect(balancer.recorder.totals().balancers).toMatchObject([
      { HTTPCode_ELB_5XX_Count: 3, HTTPCode_ELB_503_Count: 3 },
    ]);
  });

  test("502 when nothing listens, when the connection is refused, and when it is cut without an answer", async () => {
    const { traffic, ask, balancer } = await scene();
    traffic.answer = forward([group("a", 1, [{ address: "10.9.9.9", port: 1, health: "healthy" }])]);
    expect((await ask()).status).toBe(502);

    const cutter = createSocketServer((socket) => socket.on("data", () => socket.destroy()));
    const port = await new Promise<number>((resolve) => {
      cutter.listen(0, "127.0.0.1", () => {
        const address = cutter.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    traffic.answer = forward([group("a", 1, [{ address: "127.0.0.1", port, health: "healthy" }])]);
    expect((await ask()).status).toBe(502);
    await new Promise((resolve) => cutter.close(resolve));
    expect((await ask()).status).toBe(502);
    expect(balancer.recorder.totals().groups).toMatchObject([
      { RequestCount: 3, TargetConnectionErrorCount: 2 },
    ]);
    expect(balancer.recorder.totals().balancers).toMatchObject([{ HTTPCode_ELB_502_Count: 3 }]);
  });

  test("504 when the target stays silent for too long", async () => {
    const clock = new SteppedClock();
    const { traffic, network, ask, balancer } = await scene({ clock });
    traffic.answer = forward([group("a", 1, [traffic.run("a1", "demo:1", { slowMs: 50_000 })])]);
    await network.ready();
    const asked = ask("/?waitMs=50000");
    await until("the request is under way", () => balancer.recorder.totals().groups[0]?.RequestCount === 1);
    clock.advance(60_000);
    expect((await asked).status).toBe(504);
    expect(balancer.recorder.totals().balancers).toMatchObject([{ HTTPCode_ELB_504_Count: 1 }]);
  });

  test("fixed responses", async () => {
    const { traffic, ask } = await scene();
    traffic.answer = { kind: "fixed", ruleArn: "r", status: 404, contentType: "text/plain", body: "nobody" };
    const reply = await ask();
    expect([reply.status, reply.headers["content-type"], reply.body.toString()]).toEqual([
      404,
      "text/plain",
      "nobody",
    ]);
  });

  test("redirects, their parts filled in from the request", async () => {
    const { traffic, ask } = await scene();
    const parts = {
      protocol: "HTTPS",
      host: "#{host}",
      port: "443",
      path: "/new/#{path}",
      query: "#{query}",
    };
    traffic.answer = { kind: "redirect", ruleArn: "r", status: 301, ...parts };
    const reply = await ask("/old/page?x=1", { headers: { host: "shop.example:8080" } });
    expect([reply.status, reply.headers.location]).toEqual([301, "https://shop.example/new/old/page?x=1"]);
  });

  test("a client that goes away takes its request to the target with it", async () => {
    const { traffic, network, url, balancer } = await scene();
    traffic.answer = forward([group("a", 1, [traffic.run("a1", "demo:1")])]);
    await network.ready();
    const aborted = new AbortController();
    const asked = fetch(`${url()}/?waitMs=30000`, { signal: aborted.signal });
    await until("the request is under way", () => balancer.recorder.totals().groups[0]?.RequestCount === 1);
    aborted.abort();
    await expect(asked).rejects.toThrow(/abort/);
    await until("it is counted", () => balancer.recorder.totals().balancers[0]?.HTTPCode_ELB_4XX_Count === 1);
  });
});

describe("listeners", () => {
  test("open and close as the model's do; the port is taken from the listener where it is free", async () => {
    const { traffic, balancer } = await scene();
    traffic.answer = { kind: "fixed", ruleArn: "r", status: 200 };
    const first = balancer.listeners()[0];
    traffic.changeListeners([
      ...traffic.views,
      { arn: "second", loadBalancerArn: "lb2", port: 81, protocol: "HTTP" },
    ]);
    await balancer.ready();
    const second = balancer.listeners().find((listener) => listener.arn === "second");
    expect((await ask(`${second?.url}/`)).status).toBe(200);
    traffic.changeListeners(traffic.views.slice(1));
    expect(balancer.listeners().map((listener) => listener.arn)).toEqual(["second"]);
    await until("the first is closed", async () => {
      try {
        await ask(`${first?.url}/`);
        return false;
      } catch {
        return true;
      }
    });
  });
});
