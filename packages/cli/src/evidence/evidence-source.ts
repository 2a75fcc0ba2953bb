import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
	ExperimentResults,
	MetricList,
	PowerPlan,
	SqlAnswer,
	type SqlQuestion,
	VersionComparison,
} from "@armspan/schema";
import type { EvidenceReader, PowerRequest, ResultsRequest, StoreOptions, VersionsRequest } from "@armspan/service";
import { type Command, Option } from "commander";
import { z } from "zod";
import { CliError } from "../cli-error.ts";
import { clickHouseServer } from "../clickhouse-server.ts";

export interface EvidenceOptions {
	url?: string;
	data: string;
	clickhouseUrl?: string;
	repository: string;
	environment: string;
	ref: string;
}

/** A service, or the evidence itself. */
export type EvidenceSource = Pick<EvidenceReader, "results" | "versions" | "metrics" | "power" | "sql">;

const ApiFailure = z.object({ code: z.string(), message: z.string() });
const REQUEST_TIMEOUT_MS = 620_000;

/** The options by which a command is told where the evidence lies. */
export function evidenceOptions(command: Command): Command {
	return command
		.addOption(
			new Option("--url <service>", "API of a running service (its token: ARMSPAN_TOKEN)").conflicts("clickhouseUrl"),
		)
		.option("--data <dir>", "data folder of armspan up, when no service has it open", "./data")
		.option(
			"--clickhouse-url <url>",
			"a ClickHouse server (user and password from CLICKHOUSE_USER, CLICKHOUSE_PASSWORD; for SQL from CLICKHOUSE_READER_USER, CLICKHOUSE_READER_PASSWORD)",
		)
		.option("--repository <dir>", "git repository with experiments/ and metrics/, unless a service is asked", ".")
		.option("--ref <ref>", "commit, branch or tag of the repository", "HEAD")
		.option("--env, --environment <name>", "environment whose evidence counts", "production");
}

/**
 * Asks where the options say.
 * @throws {CliError} NO_EVIDENCE, SERVICE_UNREACHABLE, REQUEST_REFUSED
 */
export async function askEvidence<Answer>(
	options: EvidenceOptions,
	ask: (source: EvidenceSource) => Promise<Answer>,
	{ needsRepository = true }: { readonly needsRepository?: boolean } = {},
): Promise<Answer> {
	if (options.url !== undefined) return ask(serviceSource(options.url));
	const store = storeOptions(options);
	const { openEvidence } = await import("@armspan/service");
	try {
		await using evidence = await openEvidence({
			...{ store, environment: options.environment, ref: options.ref },
			...(needsRepository ? { repository: options.repository } : {}),
		});
		return await ask(evidence.reader);
	} catch (error) {
		if ((error as { code?: unknown }).code !== "STORE_LOCKED") throw error;
		throw Object.assign(error as Error, {
			hint: "ask the service that has it open: --url ADDRESS, its API's (--api-port of its armspan up; 7070 where none was given)",
		});
	}
}

function storeOptions({ data, clickhouseUrl }: EvidenceOptions): StoreOptions {
	if (clickhouseUrl === undefined) {
		const path = resolve(data, "clickhouse");
		if (existsSync(path)) return { kind: "embedded", path };
		throw new CliError(
			"NO_EVIDENCE",
			`${path} does not exist: no evidence there`,
			"name the folder in --data, or a service in --url",
		);
	}
	return clickHouseServer(clickhouseUrl);
}

function serviceSource(url: string): EvidenceSource {
	const get = <Schema extends z.ZodType>(path: string, parameters: object, schema: Schema) => {
		const given = Object.entries(parameters).flatMap(([key, value]) =>
			value === undefined ? [] : [[key, String(value)]],
		);
		return requestService(url, given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`, {}, schema);
	};
	return {
		results: (key: string, asked: ResultsRequest = {}) =>
			get(`/api/v1/experiments/${encodeURIComponent(key)}/results`, asked, ExperimentResults),
		versions: ({ until, ...asked }: VersionsRequest) =>
			get("/api/v1/versions/comparison", { ...asked, until: until?.toISOString() }, VersionComparison),
		metrics: (days?: number) => get("/api/v1/metrics", { days }, MetricList),
		power: (asked: PowerRequest) => get("/api/v1/power", asked, PowerPlan),
		sql: (question: SqlQuestion) => {
			const headers = { "content-type": "application/json" };
			return requestService(url, "/api/v1/sql", { method: "POST", headers, body: JSON.stringify(question) }, SqlAnswer);
		},
	};
}

/** Asks a service. @throws {CliError} SERVICE_UNREACHABLE, REQUEST_REFUSED */
export async function requestService<Schema extends z.ZodType>(
	url: string,
	path: string,
	init: { method?: string; headers?: Record<string, string>; body?: string },
	schema: Schema,
): Promise<z.infer<Schema>> {
	const token = process.env.ARMSPAN_TOKEN;
	const headers = { ...init.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
	const hint = "check --url (armspan up prints it) and ARMSPAN_TOKEN";
	let response: Response;
	try {
		response = await fetch(new URL(path, url), { ...init, headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
	} catch (cause) {
		const why =
			(cause as Error).cause instanceof Error ? ((cause as Error).cause as Error).message : (cause as Error).message;
		throw new CliError("SERVICE_UNREACHABLE", `${url} does not answer: ${why}`, hint, { cause });
	}
	const body: unknown = await response.json().catch(() => undefined);
	if (!response.ok) {
		const failure = ApiFailure.safeParse(body);
		if (failure.success && response.status !== 401 && response.status !== 403) {
			throw new CliError("REQUEST_REFUSED", `${failure.data.code}: ${failure.data.message}`);
		}
		throw new CliError("SERVICE_UNREACHABLE", `${url}${path.slice(0, 200)} answered ${response.status}`, hint);
	}
	const checked = schema.safeParse(body);
	if (checked.success) return checked.data;
	throw new CliError("SERVICE_UNREACHABLE", `${url} is not an Armspan of this version`, hint, { cause: checked.error });
}
