import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Armspan, createArmspan } from "@armspan/instrumentation";
import { revisionOnDisk } from "@armspan/router";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ARMSPAN, Program } from "./program.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const PUBLIC_PEM = String(publicKey.export({ type: "spki", format: "pem" }));
const PRIVATE_PEM = String(privateKey.export({ type: "pkcs8", format: "pem" }));
const TOKEN = "a-token-for-tests";

let folder: string;
let apiPort: number;
const programs: Program[] = [];
let application: Armspan | undefined;

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), "armspan-remote-"));
	apiPort = await freePort();
	expect((await start([ARMSPAN, "init", join(folder, "repository")]).ended).code).toBe(0);
});
afterEach(async () => {
	application?.close();
	application = undefined;
	await Promise.all(programs.splice(0).map((program) => program.stop("SIGKILL")));
	rmSync(folder, { recursive: true, force: true });
});

function start(args: string[], env?: Record<string, string>): Program {
	const program = new Program(args, env);
	programs.push(program);
	return program;
}

/** A port that is free now; the service must come back on the same one. */
function freePort(): Promise<number> {
	return new Promise((resolve) => {
		const server = createServer().listen(0, "127.0.0.1", () => {
			const address = server.address();
			server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
		});
	});
}

async function up(): Promise<Program> {
	const service = start(
		[
			...[ARMSPAN, "up", "--repository", join(folder, "repository"), "--data", join(folder, "data")],
			...["--otlp-port", "0", "--api-port", `${apiPort}`, "--check-every", "100"],
		],
		{ ARMSPAN_TOKEN: TOKEN, ARMSPAN_ROUTING_PRIVATE_KEY: PRIVATE_PEM },
	);
	await service.printed(/is up/);
	return service;
}

function connect(): Armspan {
	application = createArmspan({
		routingUrl: `http://127.0.0.1:${apiPort}`,
		routingToken: TOKEN,
		routingPublicKeys: PUBLIC_PEM,
		routingCache: join(folder, "cache"),
		pollMs: 1_000,
	});
	return application;
}

/** Every commit makes a revision, since the bundle names the commit. */
const commit = () =>
	execFileSync("git", [
		...["-C", join(folder, "repository"), "-c", "user.name=t", "-c", "user.email=t@t"],
		...["commit", "--quiet", "--allow-empty", "-m", "one more"],
	]);
const onDisk = () => revisionOnDisk(join(folder, "data", "routing"));
const route = (armspan: Armspan) =>
	armspan.prompt("support-reply", { user: "u1", variables: { question: "?", customerName: "Ann" } });
const until = (check: () => void) => vi.waitFor(check, { timeout: 60_000, interval: 20 });

test("killed in the middle of publishing and restarted, it leaves applications with a whole, signed bundle that never goes back", {
	timeout: 180_000,
}, async () => {
	let service = await up();
	const armspan = connect();
	await until(() => expect(armspan.status()).toMatchObject({ source: "routing-url", stale: false }));
	const { variant } = route(armspan);
	const revisions: number[] = [];
	const watching = setInterval(() => revisions.push(armspan.status().revision ?? 0), 5);
	const reasons = new Set<string | undefined>();
	const reading = setInterval(() => reasons.add(armspan.status().staleReason), 5);
	for (const delayMs of [60, 110, 160]) {
		commit();
		await sleep(delayMs);
		await service.stop("SIGKILL");
		expect(route(armspan)).toMatchObject({ variant, error: undefined });
		service = await up();
		await until(() => expect(armspan.status()).toMatchObject({ revision: onDisk(), stale: false }));
	}
	const before = armspan.status().revision ?? 0;
	commit();
	await until(() => expect(armspan.status().revision).toBeGreaterThan(before));
	clearInterval(watching);
	clearInterval(reading);
	expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
	// Away is all that it ever was; never unsigned, torn, incomplete or older.
	reasons.delete(undefined);
	expect([...reasons].filter((reason) => reason !== "SOURCE_UNREACHABLE")).toEqual([]);
	await until(() => expect(revisionOnDisk(join(folder, "cache"))).toBe(armspan.status().revision));
});

test("while it hangs, calls go on with the bundle that is there; a restart of the application begins with the kept one", {
	timeout: 120_000,
}, async () => {
	const service = await up();
	let armspan = connect();
	await until(() => expect(armspan.status().source).toBe("routing-url"));
	await until(() => expect(revisionOnDisk(join(folder, "cache"))).toBe(armspan.status().revision));
	const { variant, version } = route(armspan);
	armspan.close();

	// Stopped, the kernel still accepts connections, and nobody answers.
	service.process.kill("SIGSTOP");
	armspan = connect();
	for (let call = 0; call < 100; call++) {
		expect(route(armspan)).toMatchObject({ variant, version, fallbackReason: "bundle-stale" });
	}
	expect(armspan.status()).toMatchObject({ source: "cache", staleReason: "FROM_CACHE" });
	service.process.kill("SIGCONT");
	await until(() => expect(armspan.status()).toMatchObject({ source: "routing-url", stale: false }));
	expect(route(armspan)).toMatchObject({ variant, version, fallbackReason: undefined });
});
