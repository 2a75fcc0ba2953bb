import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { openStore } from "./open-store.ts";
import { ServerPulse } from "./server-pulse.ts";

const FAST = { pauseMs: 5, patienceMs: 20 };
const silence = (signal: AbortSignal) =>
	new Promise<void>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
const unavailable = expect.objectContaining({ code: "STORE_UNAVAILABLE" });

describe("ServerPulse", () => {
	test("everybody who waits for a silent server is told, and what is under way is stopped", async () => {
		const pulse = new ServerPulse(silence, FAST);
		const stopped: boolean[] = [];
		const task = () => pulse.during((signal) => silence(signal).finally(() => stopped.push(signal.aborted)));
		const settled = await Promise.allSettled([task(), task()]);
		expect(settled.map((result) => result.status === "rejected" && result.reason)).toEqual([unavailable, unavailable]);
		expect(stopped).toEqual([true, true]);
		// and who comes later
		await expect(task()).rejects.toEqual(unavailable);
	});

	test("a statement of a server that answers may take as long as it likes", async () => {
		let pings = 0;
		const end = Promise.withResolvers<string>();
		const pulse = new ServerPulse(async () => {
			// One that is lost is none.
			if (++pings === 20) end.resolve("at last");
			if (pings % 2 === 0) await silence(AbortSignal.timeout(FAST.patienceMs * 2));
		}, FAST);
		expect(await pulse.during(() => end.promise)).toBe("at last");
	});

	test("a refused connection is the statement's own error; nobody is asked when nobody waits", async () => {
		let pings = 0;
		const pulse = new ServerPulse(() => {
			pings++;
			return Promise.reject(new Error("ECONNREFUSED"));
		}, FAST);
		await expect(pulse.during(() => Promise.reject(new Error("its own")))).rejects.toThrow("its own");
		const asked = pings;
		await new Promise((resolve) => setTimeout(resolve, 50));
		expect(pings - asked).toBeLessThanOrEqual(1);
	});
});

describe("a server that takes connections and says nothing", () => {
	let server: Server;
	const sockets: Socket[] = [];
	afterEach(() => {
		for (const socket of sockets.splice(0)) socket.destroy();
		server.close();
	});

	test("is STORE_UNAVAILABLE, not a wait", async () => {
		server = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
		await once(server, "listening");
		const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		await expect(openStore({ kind: "server", url })).rejects.toEqual(unavailable);
	}, 60_000);
});
