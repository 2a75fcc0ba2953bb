import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Armspan, createArmspan } from "./armspan.ts";
import { type CallHandle, callHandle, withCallHandle } from "./call-handle.ts";
import { startSpan } from "./fixtures/recording-span.ts";
import { writeSupportBundle } from "./fixtures/support-bundle.ts";
import { recordTelemetry } from "./fixtures/telemetry.ts";

recordTelemetry();
const variables = { question: "Where is my parcel?" };
let armspan: Armspan;

beforeAll(async () => {
	armspan = createArmspan({ routingDirectory: await writeSupportBundle() });
});
afterAll(() => armspan.close());

const route = (user: string) => armspan.prompt("support-reply", { user, variables });

it("carries the whole assignment through JSON", () => {
	const { handle, inside } = route("u1").run(() => ({ handle: callHandle(), inside: startSpan().attributes }));
	const received = JSON.parse(JSON.stringify(handle)) as CallHandle;
	expect(withCallHandle(received, () => startSpan().attributes)).toEqual(inside);
	expect(inside["armspan.unit.id"]).toBe("u1");
	expect(startSpan().attributes["armspan.unit.id"]).toBeUndefined();
});

it("goes before the call that is under way, whose context a queue may have left behind", () => {
	const first = route("u1").run(callHandle);
	const seen = route("u2").run(() => withCallHandle(first, () => startSpan().attributes["armspan.unit.id"]));
	expect(seen).toBe("u1");
});

it("tags spans of generators that are consumed outside", async () => {
	async function* stream() {
		yield startSpan().attributes["armspan.unit.id"];
	}
	const generator = withCallHandle(route("u1").run(callHandle), stream);
	expect((await generator.next()).value).toBe("u1");
});

it("tags spans in a worker thread", async () => {
	const source = `
		const { parentPort } = require("node:worker_threads");
		parentPort.once("message", async ({ handle, handleModule, fixtures }) => {
			const { withCallHandle } = await import(handleModule);
			const { startSpan } = await import(fixtures + "recording-span.ts");
			const { recordTelemetry } = await import(fixtures + "telemetry.ts");
			recordTelemetry();
			const attributes = await withCallHandle(handle, async () => { await null; return startSpan().attributes; });
			parentPort.postMessage({ attributes, outside: startSpan().attributes });
		});`;
	const worker = new Worker(source, { eval: true, execArgv: ["--conditions=armspan-source"] });
	const { handle, inside } = route("u1").run(() => ({ handle: callHandle(), inside: startSpan().attributes }));
	worker.postMessage({
		handle,
		handleModule: new URL("call-handle.ts", import.meta.url).href,
		fixtures: new URL("fixtures/", import.meta.url).href,
	});
	const [{ attributes, outside }] = (await once(worker, "message")) as [Record<string, Record<string, unknown>>];
	await worker.terminate();
	expect(attributes).toEqual(inside);
	expect(outside).not.toHaveProperty("armspan.unit.id");
});

it("is nothing outside of a call", () => {
	expect(callHandle()).toBeUndefined();
	expect(withCallHandle(undefined, () => startSpan().attributes)).not.toHaveProperty("armspan.unit.id");
});

const hostile = {
	get handleVersion(): 1 {
		throw new Error("gotcha");
	},
	attributes: {},
};

it.each([
	null,
	7,
	"handle",
	{},
	{ handleVersion: 2, attributes: { "armspan.unit.id": "u1" } },
	{ handleVersion: 1, attributes: null },
	() => hostile,
])("that is none changes nothing, and throws nothing: %s", (given) => {
	const handle = typeof given === "function" ? given() : given;
	expect(withCallHandle(handle as unknown as CallHandle, () => startSpan().attributes)).toEqual({
		"gen_ai.operation.name": "chat",
	});
});

it("brings no other attributes, and none of another type", () => {
	const attributes = {
		"armspan.unit.id": "u1",
		"armspan.experiment": 7,
		"armspan.enrolled": "true",
		"gen_ai.prompt.version": "1".repeat(2000),
		"service.name": "forged",
	} as unknown as CallHandle["attributes"];
	expect(withCallHandle({ handleVersion: 1, attributes }, () => startSpan().attributes)).toEqual({
		"gen_ai.operation.name": "chat",
		"armspan.unit.id": "u1",
	});
});

it("lets what the function throws through", () => {
	const error = new Error("mine");
	expect(() =>
		withCallHandle({ handleVersion: 1, attributes: {} }, () => {
			throw error;
		}),
	).toThrow(error);
});
