import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ARMSPAN, Program } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "armspan-stuck-"));
const programs: Program[] = [];

afterEach(async () => {
	await Promise.all(programs.map((program) => program.stop("SIGKILL")));
	rmSync(folder, { recursive: true, force: true });
});

function start(args: string[]): Program {
	const program = new Program(args);
	programs.push(program);
	return program;
}

/** Evaluated while the statement is analysed; nobody sees its end. */
const ENDLESS = "(SELECT count() FROM numbers(100000000000000) WHERE number % 7 = 3)";

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

/** One call of each of so many users in both arms; those of one arm failed. */
function calls(users: number, failing: "friendly" | "nobody", now: number): unknown {
	const spans = Array.from({ length: users }, (_, user) => {
		const variant = user % 2 === 0 ? "control" : "friendly";
		const startMs = now - 1000 + user;
		return {
			...{
				traceId: (now * 1000 + user).toString(16).padStart(32, "0"),
				spanId: (user + 1).toString(16).padStart(16, "0"),
			},
			...{ name: "chat m", startTimeUnixNano: `${startMs}000000`, endTimeUnixNano: `${startMs + 300}000000` },
			attributes: [
				text("gen_ai.operation.name", "chat"),
				text("gen_ai.prompt.name", "support-reply"),
				text("feature_flag.result.variant", `support-tone.${variant}`),
				text("armspan.experiment", "support-tone"),
				text("armspan.iteration", "1"),
				text("armspan.enrolled", "true"),
				text("armspan.unit.type", "user"),
				text("armspan.unit.id", `user-${user}`),
				text("armspan.routing.revision", "1"),
				...(variant === failing ? [text("error.type", "timeout")] : []),
			],
		};
	});
	return { resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: { name: "test" }, spans }] }] };
}

test("a metric and questions that do not end hold up neither guardrails nor rows nor the health check", {
	timeout: 120_000,
}, async () => {
	const repository = join(folder, "repository");
	expect((await start([ARMSPAN, "init", repository]).ended).code).toBe(0);
	const query = `SELECT unit_id, started_at AS time, ${ENDLESS} AS numerator FROM calls FINAL`;
	mkdirSync(join(repository, "metrics"));
	writeFileSync(
		join(repository, "metrics/endless.yaml"),
		`key: endless\nsource: sql\nquery: ${JSON.stringify(query)}\nkind: mean\nper: unit\nvalue: numerator\ndirection: increase\n`,
	);
	const file = join(repository, "experiments/support-tone.yaml");
	writeFileSync(file, readFileSync(file, "utf8").replace("  - conversion\n", "  - conversion\n  - endless\n"));
	const git = (...args: string[]) =>
		execFileSync("git", ["-C", repository, "-c", "user.name=T", "-c", "user.email=t@localhost", ...args]);
	git("add", ".");
	git("commit", "--quiet", "--message", "An endless metric");

	const ports = ["--otlp-port", "0", "--api-port", "0"];
	const service = start([ARMSPAN, "up", "--repository", repository, "--data", join(folder, "data"), ...ports]);
	const api = await service.printed(/API\s+(\S+)/);
	const otlp = await service.printed(/OTLP\/HTTP\s+(\S+)/);
	await service.printed(/is up/);
	const post = (url: string, body: unknown) =>
		fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
	const health = async () => {
		const response = await fetch(new URL("/healthz", api));
		return { code: response.status, ...((await response.json()) as { guardrails: Record<string, unknown> }) };
	};
	const sendCalls = async (failing: "friendly" | "nobody") => {
		const response = await post(new URL("/v1/traces", otlp).href, calls(200, failing, Date.now()));
		expect(response.status).toBe(200);
	};
	await sendCalls("nobody");

	let answered = 0;
	const countAnswer = () => {
		answered++;
	};
	// An analysis, beside the one that the service makes each minute, and both places for questions.
	void fetch(new URL("/api/v1/experiments/support-tone/results", api)).then(
		(response) => response.text(),
		() => "",
	);
	for (let question = 0; question < 2; question++) {
		void post(new URL("/api/v1/sql", api).href, { statement: `SELECT ${ENDLESS}`, maxExecutionMs: 90_000 }).then(
			countAnswer,
			() => undefined,
		);
	}
	let unhealthy = 0;
	let halted = false;
	while (!halted && answered === 0) {
		await sendCalls("friendly");
		const { code, guardrails } = await health();
		if (code !== 200 || guardrails.consecutiveFailures !== 0) unhealthy++;
		const response = await fetch(new URL("/api/v1/decisions?experiment=support-tone", api));
		const { decisions } = (await response.json()) as { decisions: { kind: string }[] };
		halted = decisions.some(({ kind }) => kind === "halt");
		await new Promise((resolve) => setTimeout(resolve, 300));
	}
	expect({ halted, answered, unhealthy }).toEqual({ halted: true, answered: 0, unhealthy: 0 });
});
