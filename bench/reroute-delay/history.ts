import { createHash } from "node:crypto";
import { startDecision } from "@armspan/analysis";
import { openRegistry } from "@armspan/registry";
import { compileBundle, RoutingTable } from "@armspan/router";
import { openStore, type TraceRow } from "@armspan/store";
import { DEMO_EXPERIMENT } from "../../packages/cli/src/demo/run-loop.ts";

export interface HistoryOptions {
	repository: string;
	clickhouse: string;
	seed: number;
	users: number;
	/** Earlier calls of each user. */
	callsPerUser: number;
	/** Calls per second at which they were made. */
	callsPerSecond: number;
	/** Share of them that failed, in both variants. */
	errorRate: number;
	now: Date;
}

const BATCH_ROWS = 20_000;

/** Fills an evidence store with the calls that the users of the demo made before: by the same routing, at the same pace. */
export async function writeHistory(options: HistoryOptions): Promise<void> {
	const registry = await openRegistry(options.repository);
	const snapshot = await registry.snapshot();
	const environment = snapshot.environments.find(({ name }) => name === "production")?.environment;
	const file = snapshot.experiments.find(({ experiment }) => experiment.key === DEMO_EXPERIMENT);
	if (environment === undefined || file === undefined) {
		throw new Error("the starter repository has changed");
	}
	const bundle = compileBundle({
		environmentName: "production",
		environment,
		experiments: snapshot.experiments,
		prompts: snapshot.releases,
		revision: 1,
		sourceCommit: snapshot.commit,
	});
	const table = RoutingTable.fromFile(bundle.file);

	const total = options.users * options.callsPerUser;
	const durationMs = (total / options.callsPerSecond) * 1000;
	const startedAt = new Date(options.now.getTime() - durationMs);
	const store = await openStore({ kind: "embedded", path: options.clickhouse });
	try {
		await store.migrate();
		await store.appendDecision(
			startDecision(
				{ experiment: file.experiment, experimentDigest: file.digest, codeVersion: "bench", lastRevision: 1 },
				startedAt,
			),
		);
		const draw = uniforms(options.seed);
		let rows: TraceRow[] = [];
		for (let call = 0; call < total; call++) {
			const user = `user-${call % options.users}`;
			const assignment = table.assign("support-reply", { user });
			if (assignment === undefined) {
				throw new Error("the starter repository has changed");
			}
			rows.push(
				span({
					id: `${options.seed}:${call}`,
					atMs: startedAt.getTime() + draw() * durationMs,
					failed: draw() < options.errorRate,
					attributes: [
						["gen_ai.operation.name", "chat"],
						["gen_ai.provider.name", "openai"],
						["gen_ai.request.model", assignment.model],
						["gen_ai.prompt.name", assignment.promptName],
						["gen_ai.prompt.version", assignment.version],
						["feature_flag.key", assignment.promptName],
						["feature_flag.result.variant", assignment.flagVariant],
						["armspan.experiment", assignment.experiment ?? ""],
						["armspan.iteration", String(assignment.iteration)],
						["armspan.enrolled", String(assignment.enrolled)],
						["armspan.unit.type", "user"],
						["armspan.unit.id", user],
						["armspan.routing.revision", "1"],
						["armspan.cost.usd", "0.00005"],
					],
				}),
			);
			if (rows.length === BATCH_ROWS || call === total - 1) {
				await store.insertTraces(rows);
				rows = [];
			}
		}
	} finally {
		await store.close();
	}
}

function span(options: { id: string; atMs: number; failed: boolean; attributes: [string, string][] }): TraceRow {
	const hash = createHash("sha256").update(options.id).digest("hex");
	const attributes = new Map(options.attributes);
	if (options.failed) {
		attributes.set("error.type", "500");
	}
	return {
		Timestamp: String(BigInt(Math.round(options.atMs)) * 1_000_000n),
		TraceId: hash.slice(0, 32),
		SpanId: hash.slice(32, 48),
		ParentSpanId: "",
		TraceState: "",
		SpanName: "chat gpt-4o-mini",
		SpanKind: "Client",
		ServiceName: "support-bot",
		ResourceAttributes: new Map(),
		ScopeName: "bench",
		ScopeVersion: "",
		SpanAttributes: attributes,
		Duration: "150000000",
		StatusCode: options.failed ? "Error" : "Unset",
		StatusMessage: "",
		Events: [],
		Links: [],
	};
}

/** mulberry32: the same history for the same seed. */
function uniforms(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}
