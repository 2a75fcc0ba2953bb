import { type ContextManager, createContextKey, ROOT_CONTEXT, type TracerProvider } from "@opentelemetry/api";
import { afterEach, expect, it } from "vitest";
import { activeContext, registeredTracer, withContext } from "./otel-globals.ts";

const REGISTERED = Symbol.for("opentelemetry.js.api.1");
const globals = globalThis as { [REGISTERED]?: unknown };
const before = globals[REGISTERED];
afterEach(() => {
	globals[REGISTERED] = before;
});

it("uses what an api of an older version has registered", () => {
	const inside = ROOT_CONTEXT.setValue(createContextKey("test"), 7);
	const manager = { active: () => inside, with: (_active: unknown, fn: () => unknown) => ["with", fn()] };
	const provider = { getTracer: (name: string) => ({ tracerOf: name }) };
	globals[REGISTERED] = {
		version: "1.9.1",
		context: manager as unknown as ContextManager,
		trace: provider as unknown as TracerProvider,
	};
	expect(activeContext()).toBe(inside);
	expect(withContext(ROOT_CONTEXT, () => 7)).toEqual(["with", 7]);
	expect(registeredTracer("x")).toEqual({ tracerOf: "x" });
});

it("does without a set-up", () => {
	delete globals[REGISTERED];
	expect(activeContext()).toBe(ROOT_CONTEXT);
	expect(withContext(ROOT_CONTEXT, () => 7)).toBe(7);
	expect(registeredTracer("x").startSpan("y").isRecording()).toBe(false);
});
