import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type HostOptions, runHost } from "../../packages/register/src/fixtures/host.ts";
import { addOpenInference, busyLangChain } from "./openinference-langchain.ts";
import { OTEL_3, ownSetUp } from "./own-set-up.ts";
import { type Surroundings, startSurroundings } from "./programs.ts";
import { interleavedProgram, type ModuleType, SDK_PROGRAMS } from "./sdk-program.ts";
import { wrongTags } from "./wrong-tags.ts";

const USERS_PER_SDK = 40;

let surroundings: Surroundings;

beforeAll(async () => {
	surroundings = await startSurroundings();
});
afterAll(() => surroundings.close());
beforeEach(() => {
	surroundings.collector.spans.length = 0;
});

/** @returns what the program printed, once it has ended well */
async function run(options: HostOptions): Promise<{ stdout: string; stderr: string }> {
	const { exited, stdout, stderr } = runHost({ ...options, env: { ...surroundings.env, ...options.env } });
	const { code } = await exited;
	expect(code, stderr()).toBe(0);
	return { stdout: stdout(), stderr: stderr() };
}

describe.each(["module", "commonjs"] as const)("240 users of six SDKs at once, in a %s application", (type) => {
	it("have no span with another's tags, and each call counts once", async () => {
		const { stdout, stderr } = await run({ type, source: interleavedProgram(type, SDK_PROGRAMS, USERS_PER_SDK) });
		expect(stderr).toBe("");
		expect(wrongTags(stdout, surroundings.collector.spans, SDK_PROGRAMS, USERS_PER_SDK)).toEqual([]);
	});

	it("and neither with spans of LangChain's background callbacks while its queue is busy", async () => {
		const sdks = [busyLangChain()];
		const source = interleavedProgram(type, sdks, USERS_PER_SDK, addOpenInference(type));
		const { stdout } = await run({ type, source });
		const { spans } = surroundings.collector;
		expect(spans.filter(isCallbackSpan)).toHaveLength(USERS_PER_SDK);
		expect(wrongTags(stdout, spans, sdks, USERS_PER_SDK)).toEqual([]);
	});
});

describe("LangChain's callback spans in an application with an OpenTelemetry set-up of its own", () => {
	const type: ModuleType = "module";
	// Nobody makes spans of `openai` here.
	const sdks = [{ ...busyLangChain(), operations: [] }];
	const source = interleavedProgram(type, sdks, USERS_PER_SDK, ownSetUp(type, OTEL_3) + addOpenInference(type));

	it("get no tags rather than another user's", async () => {
		const { stderr } = await run({ type, source, register: false, env: { OTEL_LOG_LEVEL: "warn" } });
		const { spans } = surroundings.collector;
		expect(spans.filter(isCallbackSpan)).toHaveLength(USERS_PER_SDK);
		expect(spans.filter(({ attributes }) => "armspan.unit.id" in attributes)).toEqual([]);
		expect(stderr.match(/LANGCHAIN_CALLBACKS_BACKGROUND=false/g)).toHaveLength(1);
	});

	it("are the calls when callbacks are awaited", async () => {
		const { stdout } = await run({ type, source, register: false, env: { LANGCHAIN_CALLBACKS_BACKGROUND: "false" } });
		expect(wrongTags(stdout, surroundings.collector.spans, sdks, USERS_PER_SDK)).toEqual([]);
	});
});

function isCallbackSpan({ attributes }: { attributes: Readonly<Record<string, unknown>> }): boolean {
	return attributes["openinference.span.kind"] === "LLM";
}
