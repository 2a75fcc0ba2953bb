import type { StartupReport } from "@armspan/schema";
import { type Check, fail, ok, warn } from "./doctor-check.ts";
import type { EndpointProbe } from "./doctor-probe.ts";
import type { ApplicationRun } from "./doctor-run.ts";
import { llmSdkChecks } from "./doctor-sdks.ts";

type SetUp = NonNullable<StartupReport["setUp"]>;

/** What was found out besides the report. */
export interface Surroundings {
	readonly probes: readonly EndpointProbe[];
	/** Names in the routing bundle's folder; `undefined` when there is none, or it cannot be read. */
	readonly prompts: readonly string[] | undefined;
	readonly timeLimitSeconds: number;
}

const SHOWN_PROMPTS = 10;

const EXPORTERS_NOT_JUDGED = ok("exporter", "own set-up: its exporters and its content guard are not judged");

/** What is in order with an application's start-up, what is not, and what to do. Pure. */
export function doctorChecks(run: ApplicationRun, around: Surroundings): Check[] {
	if (run.register === null) {
		const message = "@armspan/register is not installed where the application is";
		return [fail("register", message, "npm install @armspan/register")];
	}
	const [report] = run.reports;
	if (report === undefined) {
		const fix = "give the command that starts Node, without a wrapper that drops NODE_OPTIONS";
		return [applicationCheck(run, undefined, around), fail("register", "no Node process reported", fix)];
	}
	const node = nodeCheck(report);
	const first = [applicationCheck(run, report, around), node];
	if (node.status === "fail") return first;
	const { setUp } = report;
	if (setUp === null || report.problem !== null) {
		const message = report.problem ?? "the application ended before register had started";
		return [...first, fail("register", message, "mend what the line above names, and run the doctor again")];
	}
	return [
		...first,
		ok("register", report.lookedOn ? "has only looked on: the application has a set-up of its own" : run.register),
		...othersCheck(run),
		...setUp.warnings.map((text) => warn("settings", text, "mend or unset the environment variable")),
		...apiChecks(report),
		...openTelemetryChecks(report, setUp),
		processorCheck(report, setUp),
		...samplingChecks(report),
		...llmSdkChecks(report),
		...(report.lookedOn ? [EXPORTERS_NOT_JUDGED] : [...around.probes.map(probeCheck), ...switchedOff(setUp)]),
		...routingChecks(setUp, around.prompts),
		unitCheck(setUp),
		mappingCheck(setUp),
		...recognitionChecks(setUp),
	];
}

function applicationCheck(run: ApplicationRun, report: StartupReport | undefined, around: Surroundings): Check {
	const name = "application";
	if (run.running) return ok(name, `was running after ${around.timeLimitSeconds} s, and was ended`);
	if (run.exitCode === 0) return ok(name, "ended by itself with code 0");
	const ending = run.signal === null ? `code ${run.exitCode}` : run.signal;
	const reason = report?.uncaughtError ?? lastWords(run.stderr);
	const missing = /Cannot find (?:package|module) '([^']+)'/.exec(`${reason}\n${run.stderr}`)?.[1];
	const fix =
		missing !== undefined && !missing.startsWith(".") && !missing.startsWith("/")
			? `npm install ${missing}`
			: "make it start without the doctor first";
	return fail(name, `ended with ${ending}: ${reason}`, fix);
}

/** Of a stack trace its message, else the last line; Node ends its own with its version. */
function lastWords(stderr: string): string {
	const lines = stderr.split("\n").filter((line) => line.trim() !== "" && !/^Node\.js v\d/.test(line));
	return lines.findLast((line) => /^(?:\w*Error\b|node: )/.test(line)) ?? lines.at(-1) ?? "no reason on stderr";
}

function nodeCheck({ nodeVersion, problem }: StartupReport): Check {
	if (problem?.startsWith("Node ") === true) return fail("node", problem, "install Node 22.15 or newer");
	return ok("node", nodeVersion);
}

/** npm, watchers, clusters, threads. */
function othersCheck({ reports: [report, ...others] }: ApplicationRun): Check[] {
	if (report === undefined || others.length === 0) return [];
	const said = `process ${report.pid} is shown; ${others.length} more Node processes or threads were started`;
	return [ok("processes", said)];
}

/** A copy sees what an equal or newer copy of the same major has set up; an older one's it refuses to see. */
function apiChecks({ packages, globalApiVersion }: StartupReport): Check[] {
	const name = "api";
	return packages
		.filter((copy) => copy.name === "@opentelemetry/api")
		.map((copy) => {
			const what = `@opentelemetry/api ${copy.version} at ${copy.directory}`;
			if (globalApiVersion === null || canSee(copy.version, globalApiVersion)) return ok(name, what);
			return fail(
				name,
				`${what} cannot see what ${globalApiVersion} has set up: spans and context that go through it are lost`,
				`npm install @opentelemetry/api@${globalApiVersion}, or a version of @armspan/register with ${copy.version}`,
			);
		});
}

function canSee(own: string, global: string): boolean {
	const [ownMajor, ownMinor = 0] = own.split(".").map(Number);
	const [globalMajor, globalMinor = 0] = global.split(".").map(Number);
	return ownMajor === globalMajor && ownMinor <= globalMinor;
}

const SDK_PACKAGE = /^@opentelemetry\/(?:sdk-(?:node|trace(?:-base|-node)?)|auto-instrumentations-node)$/;
const LEAVE_ONE =
	"keep one: remove your own set-up; or leave out --import @armspan/register, put ...armspanSpanProcessors() first, call instrumentLlmSdks() (both of @armspan/register/own-set-up) and armspan.start()";

function openTelemetryChecks({ packages, diagnostics, lookedOn }: StartupReport, setUp: SetUp): Check[] {
	const name = "opentelemetry";
	const isDuplicate = (line: string) => line.includes("duplicate registration");
	const own = packages.filter((copy) => SDK_PACKAGE.test(copy.name) && copy.byApplication);
	const lines = [...new Set(packages.filter(({ name: n }) => n.startsWith("@opentelemetry/sdk-trace")).map(lineOf))];
	const second = own.map((copy) => `${copy.name} ${copy.version}`).join(", ");
	const checks: Check[] = diagnostics
		.filter((line) => !isDuplicate(line))
		.slice(0, 5)
		.map((line) => warn(name, line, "see the package that the line names"));
	if (setUp.sdkDisabled) {
		checks.unshift(
			warn(name, "OTEL_SDK_DISABLED=true: register sets up nothing", "unset it, unless you set up your own"),
		);
	} else if (lookedOn) {
		checks.unshift(ok(name, `set up by the application (${second})`));
	} else if (diagnostics.some(isDuplicate)) {
		const message = `a second set-up was refused${second === "" ? "" : ` (${second})`}: its processors and exporters get no spans`;
		checks.unshift(warn(name, message, LEAVE_ONE));
	} else if (own.length > 0) {
		checks.unshift(warn(name, `the application loads ${second} besides register's set-up`, LEAVE_ONE));
	} else {
		checks.unshift(ok(name, `set up by register (SDK ${lines.join(" and ") || "unknown"})`));
	}
	return checks;
}

/** The 2.x line has packages that 3.x has merged. */
function lineOf({ version }: { version: string }): string {
	return `${version.split(".")[0]}.x`;
}

/** What is not sampled is missing from its arm, while its exposure counts. */
function samplingChecks({ sampler, samplerDropsCalls }: StartupReport): Check[] {
	const name = "sampling";
	if (sampler === null) return [];
	if (!samplerDropsCalls) return [ok(name, `all routed calls are recorded (${sampler})`)];
	const fix = "sampler: new ArmspanSampler(yours), of @armspan/register/own-set-up";
	return [fail(name, `${sampler} drops spans of routed calls: comparisons are biased`, fix)];
}

function processorCheck({ spanProcessors, lookedOn }: StartupReport, { sdkDisabled }: SetUp): Check {
	const name = "processors";
	if (spanProcessors === null) {
		if (sdkDisabled) return warn(name, "no tracer provider is set up: no spans", "unset OTEL_SDK_DISABLED");
		return warn(
			name,
			"the tracer provider does not show them",
			"see that ArmspanSpanProcessor stands before exporters",
		);
	}
	const order = spanProcessors.join(", ");
	const ours = spanProcessors.indexOf("ArmspanSpanProcessor");
	const exporting = spanProcessors.findIndex((processor) => /Batch|Simple/.test(processor));
	if (ours === -1)
		return fail(name, `ArmspanSpanProcessor is missing among: ${order}`, "add it before the exporting processor");
	if (exporting !== -1 && exporting < ours) {
		return fail(name, `ArmspanSpanProcessor stands after an exporting one: ${order}`, "put it first");
	}
	if (lookedOn && !spanProcessors.includes("CostSpanProcessor")) {
		const fix = "put ...armspanSpanProcessors() of @armspan/register/own-set-up in its place";
		return warn(name, `${order}: no costs, and calls that two instrumentations see count twice`, fix);
	}
	return ok(name, order);
}

function probeCheck({ url: given, accepted, outcome }: EndpointProbe): Check {
	const name = "exporter";
	const url = withoutSecrets(given);
	if (accepted) return ok(name, `${url} takes OTLP`);
	const fixes: Readonly<Record<string, string>> = {
		"HTTP 401": "set OTEL_EXPORTER_OTLP_HEADERS",
		"HTTP 403": "set OTEL_EXPORTER_OTLP_HEADERS",
		"HTTP 404": "check the path of OTEL_EXPORTER_OTLP_ENDPOINT: /v1/traces is added to it",
		"HTTP 415": "http/protobuf must be accepted there",
	};
	const fix = fixes[outcome] ?? "start a collector or armspan up, or set OTEL_EXPORTER_OTLP_ENDPOINT";
	return fail(name, `${url}: ${outcome}`, fix);
}

/** Some write a password or a token into the address. */
function withoutSecrets(url: string): string {
	if (!URL.canParse(url)) return url;
	const { origin, pathname, username, search } = new URL(url);
	return username === "" && search === "" ? url : `${origin}${pathname}`;
}

function switchedOff({ tracesUrl, logsUrl, sdkDisabled }: SetUp): Check[] {
	if (sdkDisabled) return [];
	const off = (signal: string) =>
		warn("exporter", `OTEL_${signal}_EXPORTER=none: nothing is sent`, `unset OTEL_${signal}_EXPORTER`);
	return [...(tracesUrl === null ? [off("TRACES")] : []), ...(logsUrl === null ? [off("LOGS")] : [])];
}

function routingChecks({ routing, mapping }: SetUp, prompts: readonly string[] | undefined): Check[] {
	const name = "routing";
	const place = routing.url ?? routing.directory;
	if (place === null) {
		if (mapping.file !== null) return [ok(name, "none; prompts are recognised by the mapping file")];
		const fix = "set ARMSPAN_ROUTING to a bundle's folder, or ARMSPAN_PROMPTS to a mapping file";
		return [warn(name, "none: only templates marked with prompt`…` get a version", fix)];
	}
	const why = routing.lastError ?? routing.staleReason ?? "it was not read in time";
	if (routing.revision === null) {
		return [fail(name, `${place}: ${why}`, "armspan routing verify DIR, or check ARMSPAN_ROUTING_URL and its token")];
	}
	const age = routing.ageMs === null ? "" : `, confirmed ${Math.round(routing.ageMs / 1000)} s ago`;
	const said = `${place}: revision ${routing.revision}${age}`;
	const check = routing.stale
		? warn(name, `${said}, old: ${why}`, "see that the service or the folder is there")
		: ok(name, said);
	return prompts === undefined ? [check] : [check, ok("prompts", summary(prompts))];
}

function summary(names: readonly string[]): string {
	const shown = names.slice(0, SHOWN_PROMPTS).join(", ");
	return `${names.length} in the bundle: ${shown}${names.length > SHOWN_PROMPTS ? ", …" : ""}`;
}

function unitCheck({ unitIds }: SetUp): Check {
	const name = "unit ids";
	if (unitIds === "hmac-sha256") return ok(name, "leave the process hashed");
	const fix = "set ARMSPAN_UNIT_KEY to a secret, the same in every process";
	if (unitIds === "withheld")
		return fail(name, "ARMSPAN_UNIT_KEY is empty: no unit id leaves, nothing can be compared", fix);
	return warn(name, "leave the process as they are", fix);
}

function mappingCheck({ mapping }: SetUp): Check {
	const name = "mapping";
	if (mapping.file === null) return ok(name, "no mapping file (ARMSPAN_PROMPTS)");
	if (mapping.problems.length > 0) {
		return fail(name, mapping.problems.join("; "), "mend the line; a running application reads the file again");
	}
	if (mapping.entries === 0) return warn(name, `${mapping.file} has no entries`, "add one to prompts:");
	return ok(name, `${mapping.file}: ${mapping.entries} ${mapping.entries === 1 ? "prompt" : "prompts"}`);
}

/** Only of what the application asked for while it started. */
function recognitionChecks({ promptsInCode, mapping }: SetUp): Check[] {
	const name = "recognition";
	const { recognised, unrecognised, ambiguous, curtailed } = promptsInCode;
	const checked = recognised + unrecognised;
	if (checked === 0) return [];
	const said = `${recognised} of ${checked} ${checked === 1 ? "request" : "requests"} recognised as a prompt in code`;
	if (recognised === 0)
		return [warn(name, said, `compare the texts with ${mapping.file ?? "the templates in the code"}`)];
	if (ambiguous > 0)
		return [warn(name, `${said}, ${ambiguous} as several`, "name a role or model in the mapping file")];
	return [ok(name, `${said}${curtailed === 0 ? "" : `, ${curtailed} too long to be looked at as a whole`}`)];
}
