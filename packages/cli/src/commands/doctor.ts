import { resolve } from "node:path";
import { styleText } from "node:util";
import { readBundle } from "@armspan/router";
import type { StartupReport } from "@armspan/schema";
import { Command } from "commander";
import { CliError } from "../cli-error.ts";
import type { Check } from "./doctor-check.ts";
import { doctorChecks } from "./doctor-checks.ts";
import { type EndpointProbe, otlpHeaders, probeEndpoint } from "./doctor-probe.ts";
import { runApplication } from "./doctor-run.ts";
import { integerBetween } from "./options.ts";

interface DoctorOptions {
	timeLimit: number;
	json?: true;
}

const EXAMPLES = `
It runs the application as it is: what the application does at start-up, it does. Nothing that is recorded meanwhile
leaves the process. It is ended after the time limit, with its children. An application that sets OpenTelemetry and
Armspan up by itself is run a second time, without register's set-up; then its own exporters send what they get.

Examples:
  armspan doctor app.js
  armspan doctor -- npm start
  ARMSPAN_ROUTING=data/routing armspan doctor --time-limit 20 --json node --enable-source-maps dist/server.js

Exit codes: 0 nothing failed, 1 something did, 2 wrong usage.`;

/** `armspan doctor` */
export function doctorCommand(): Command {
	return new Command("doctor")
		.description("starts your application, and says what is instrumented, what is not, and why")
		.argument("<command...>", "how the application is started: a file, or a program with its arguments")
		.passThroughOptions()
		.option("--time-limit <seconds>", "how long the application is watched", integerBetween(1, 300), 5)
		.option("--json", "print JSON")
		.addHelpText("after", EXAMPLES)
		.action(async (command: string[], options: DoctorOptions) => {
			const run = await runApplication(command, options.timeLimit * 1000);
			const [report] = run.reports;
			const checks = doctorChecks(run, {
				probes: await probes(report?.setUp ?? null, report?.lookedOn === true),
				prompts: promptsOf(report?.setUp?.routing.directory ?? null),
				timeLimitSeconds: options.timeLimit,
			});
			const failed = checks.filter(({ status }) => status === "fail").length;
			process.stdout.write(options.json === true ? toJson(checks, report, failed) : checks.map(line).join(""));
			if (failed > 0) {
				throw new CliError("CHECKS_FAILED", `${failed} of ${checks.length} checks failed`);
			}
		});
}

function probes(setUp: StartupReport["setUp"], lookedOn: boolean): Promise<EndpointProbe[]> {
	if (setUp === null || setUp.sdkDisabled || lookedOn) return Promise.resolve([]);
	const probe = (url: string | null, signal: "TRACES" | "LOGS") =>
		url === null ? [] : [probeEndpoint(url, otlpHeaders(process.env, signal))];
	return Promise.all([...probe(setUp.tracesUrl, "TRACES"), ...probe(setUp.logsUrl, "LOGS")]);
}

function promptsOf(directory: string | null): readonly string[] | undefined {
	if (directory === null) return undefined;
	try {
		return [...readBundle(resolve(directory)).table.promptNames].sort();
	} catch {
		// The application could not read it either, and has said why.
		return undefined;
	}
}

function toJson(checks: readonly Check[], report: StartupReport | undefined, failed: number): string {
	const process = report === undefined ? null : { pid: report.pid, mainFile: report.mainFile };
	return `${JSON.stringify({ schemaVersion: 1, ok: failed === 0, process, checks }, undefined, 2)}\n`;
}

const COLOURS = { ok: "green", warn: "yellow", fail: "red" } as const;

function line({ name, status, message, fix }: Check): string {
	const mark = styleText(COLOURS[status], status.padEnd(5), { stream: process.stdout });
	return `${mark} ${name.padEnd(13)} ${message}\n${fix === undefined ? "" : `      ${"".padEnd(13)} → ${fix}\n`}`;
}
