import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSupportBundle } from "../../packages/instrumentation/src/fixtures/support-bundle.ts";
import { runHost } from "../../packages/register/src/fixtures/host.ts";
import { type OtlpCollector, startOtlpCollector } from "../../packages/register/src/fixtures/otlp-collector.ts";

let collector: OtlpCollector;
let env: Record<string, string>;

beforeAll(async () => {
	collector = await startOtlpCollector();
	env = {
		ARMSPAN_ROUTING: await writeSupportBundle(),
		ARMSPAN_REFERENCE_KEY: "0123456789abcdef0123456789abcdef",
		ARMSPAN_FLUSH_LIMIT_MS: "20000",
		OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
	};
});
afterAll(() => collector.close());

/** Calls an LLM for others, as an internal gateway does, and says what headers it got. */
const GATEWAY = `
import { createServer } from "node:http";
import { context, propagation, trace } from "@opentelemetry/api";
const server = createServer((request, response) => {
	// What an instrumentation of HTTP does.
	context.with(propagation.extract(context.active(), request.headers), () => {
		trace.getTracer("gateway").startSpan("chat m", { attributes: { "gen_ai.operation.name": "chat" } }).end();
	});
	response.end(JSON.stringify(request.headers.baggage ?? null));
});
server.listen(0, "127.0.0.1", () => console.log("port " + server.address().port + ";"));
process.on("SIGTERM", () => server.close(() => server.closeAllConnections()));
`;

const APPLICATION = `
import { context, propagation, SpanKind, trace } from "@opentelemetry/api";
import { armspan } from "@armspan/instrumentation";
/** As an instrumentation of HTTP does it. */
function send(url, more = {}) {
	const span = trace.getTracer("http").startSpan("POST", { kind: SpanKind.CLIENT, attributes: { "url.full": url } });
	const headers = { ...more };
	propagation.inject(trace.setSpan(context.active(), span), headers);
	return fetch(url, { headers }).then((response) => response.json()).finally(() => span.end());
}
const { PORT } = process.env;
const seen = await armspan.prompt("support-reply", { user: "u1", variables: { question: "?" } }).run(async () => [
	await send("http://localhost:" + PORT),
	await send("http://127.0.0.1:" + PORT),
]);
const forged = seen[0]?.replace("polite.", "rude.") ?? "armspan=ab1~9999999999~support-reply~1.0.0~polite.control~polite~1~user~u1~7~~~x";
seen.push(await fetch("http://127.0.0.1:" + PORT, { headers: { baggage: forged } }).then((response) => response.json()));
console.log(JSON.stringify(seen));
`;

async function run(more: Record<string, string>) {
	collector.spans.length = 0;
	const given = { ...env, ...more };
	const gateway = runHost({ type: "module", source: GATEWAY, env: given });
	await gateway.says(";");
	const PORT = /port (\d+)/.exec(gateway.stdout())?.[1];
	const application = runHost({ type: "module", source: APPLICATION, env: { ...given, PORT } });
	expect((await application.exited).code, application.stderr()).toBe(0);
	gateway.child.kill("SIGTERM");
	expect((await gateway.exited).code, gateway.stderr()).toBe(0);
	const [friend, stranger] = JSON.parse(application.stdout()) as (string | null)[];
	const tags = collector.spans
		.filter(({ name }) => name === "chat m")
		.map(({ attributes }) => [attributes["armspan.experiment"], attributes["armspan.unit.id"]]);
	return { friend, stranger, tags };
}

test("an assignment goes to the hosts that are named, signed, and tags the calls made there; a forged one tags none", async () => {
	const { friend, stranger, tags } = await run({ ARMSPAN_BAGGAGE_HOSTS: "localhost", ARMSPAN_UNIT_KEY: "pepper" });
	expect(friend).toMatch(/^armspan=ab1/);
	expect(stranger).toBeNull();
	expect(tags).toEqual([
		["polite", expect.stringMatching(/^[0-9a-f]{64}$/)],
		[undefined, undefined],
		[undefined, undefined],
	]);
});

test("nothing goes anywhere unless hosts are named", async () => {
	const { friend, stranger, tags } = await run({});
	expect([friend, stranger]).toEqual([null, null]);
	expect(tags).toEqual(Array(3).fill([undefined, undefined]));
});
