import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Armspan, createArmspan } from "@armspan/instrumentation";
import { afterAll, expect, test, vi } from "vitest";
import { freePort } from "../conformance/clickhouse-server.ts";
import { ARMSPAN, Program } from "../e2e/program.ts";

const TOKEN = "a-token-for-tests";
const folder = mkdtempSync(join(tmpdir(), "armspan-emergency-"));
const repository = join(folder, "my-prompts");
const programs: Program[] = [];
let application: Armspan | undefined;
afterAll(async () => {
	application?.close();
	await Promise.all(programs.map((program) => program.stop("SIGKILL")));
	rmSync(folder, { recursive: true, force: true });
});

function armspan(...args: string[]): Program {
	const program = new Program([ARMSPAN, ...args], { ARMSPAN_TOKEN: TOKEN });
	programs.push(program);
	return program;
}

test("the runbook's way out over HTTP: another service at the address, and the way back", {
	timeout: 180_000,
}, async () => {
	expect((await armspan("init", repository).ended).code).toBe(0);
	const port = await freePort();
	const up = async (data: string) => {
		const at = ["--data", join(folder, data), "--otlp-port", "0", "--api-port", `${port}`, "--check-every", "100"];
		const service = armspan("up", "--repository", repository, ...at);
		await service.printed(/is up/);
		return service;
	};
	const client = createArmspan({ routingUrl: `http://127.0.0.1:${port}`, routingToken: TOKEN, pollMs: 500 });
	application = client;
	const route = () => client.prompt("support-reply", { user: "u1", variables: { question: "?", customerName: "Ann" } });
	const until = (check: () => void) => vi.waitFor(check, { timeout: 60_000, interval: 20 });

	const service = await up("data");
	await until(() => expect(route().enrolled).toBe(true));
	const { revision = Number.NaN } = client.status();
	await service.stop("SIGKILL");
	expect(route()).toMatchObject({ enrolled: true, error: undefined });

	const file = join(repository, "experiments/support-tone.yaml");
	writeFileSync(file, readFileSync(file, "utf8").replace("status: running", "status: stopped"));
	execFileSync("git", ["-C", repository, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "stopped"]);
	const emergency = await up("emergency");
	await until(() => expect(route().enrolled).toBe(false));
	const lifted = client.status().revision ?? Number.NaN;
	expect(lifted).toBeGreaterThan(revision);
	await emergency.stop();

	const routing = join(folder, "data/routing");
	expect((await armspan("routing", "compile", routing, "--repository", repository).ended).code).toBe(0);
	await up("data");
	await until(() => expect(client.status()).toMatchObject({ source: "routing-url", stale: false }));
	await until(() => expect(client.status().revision).toBeGreaterThan(lifted));
	expect(route().enrolled).toBe(false);
});
