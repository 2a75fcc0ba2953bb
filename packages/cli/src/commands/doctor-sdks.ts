import { sep } from "node:path";
import type { StartupReport } from "@armspan/schema";
import { type Check, fail, ok, warn } from "./doctor-check.ts";

type LoadedCopy = StartupReport["packages"][number];

/** SDKs that register patches, and the versions it knows. */
const PATCHED: Readonly<Record<string, string>> = {
	openai: "4.19 to 7",
	"@anthropic-ai/sdk": "0.30 to 1",
	"@google/genai": "1 to 3",
};

/** Others, and whose spans they need. */
const UNPATCHED: Readonly<Record<string, { readonly makers: RegExp; readonly fix: string }>> = {
	ai: { makers: /^@ai-sdk\/otel$/, fix: "npm install @ai-sdk/otel, and call registerTelemetry(new OpenTelemetry())" },
	"@langchain/core": {
		makers: /^(?:openai|@anthropic-ai\/sdk|@google\/genai|.*instrumentation-langchain)$/,
		fix: "use models that go through openai or @anthropic-ai/sdk, or add @arizeai/openinference-instrumentation-langchain",
	},
};
const OTHER_SDK =
	/^(?:@mistralai\/mistralai|cohere-ai|groq-sdk|ollama|@aws-sdk\/client-bedrock-runtime|@google\/generative-ai)$/;

/** Packages that make spans for LLM SDKs, too. */
const INSTRUMENTATION =
	/^(?:@traceloop\/(?:instrumentation-|node-server-sdk)|@arizeai\/openinference-instrumentation|@opentelemetry\/instrumentation-(?:openai|langchain)|openlit$|langfuse$|@langfuse\/openai|dd-trace$)/;

/** Which LLM SDKs were loaded, which of them yield spans, and whose. */
export function llmSdkChecks(report: StartupReport): Check[] {
	const { packages, setUp } = report;
	const makers = packages.filter(({ name }) => INSTRUMENTATION.test(name));
	const checks = packages.flatMap((copy) => {
		if (copy.name in PATCHED) return [patchedCheck(copy, report, makers)];
		const other = UNPATCHED[copy.name];
		if (other !== undefined)
			return [
				otherCheck(
					copy,
					packages.filter(({ name }) => other.makers.test(name)),
					other.fix,
				),
			];
		return OTHER_SDK.test(copy.name)
			? [otherCheck(copy, makers, "make the span yourself inside run(), or add openlit")]
			: [];
	});
	if (checks.length === 0) {
		const fix =
			"if it is loaded later, raise --time-limit; if the application is bundled, call instrumentOpenAi(OpenAI) of @armspan/register/openai, or its like";
		checks.push(warn("llm sdk", "none was loaded during start-up", fix));
	}
	if (setUp?.selfCheck) checks.push(warn("llm sdk", `installed: ${setUp.selfCheck}`, "nothing, if it is not used"));
	return checks;
}

function patchedCheck(
	copy: LoadedCopy,
	{ clients, setUp, lookedOn }: StartupReport,
	makers: readonly LoadedCopy[],
): Check {
	const name = "llm sdk";
	const what = describe(copy);
	const client = clients.filter(({ module }) => module.startsWith(copy.directory + sep));
	if (setUp?.sdkDisabled === true) return warn(name, `${what}: not patched, OTEL_SDK_DISABLED=true`, "unset it");
	if (!client.some(({ patched }) => patched)) {
		if (makers.length > 0) return ok(name, `${what}: not patched by register; ${namesOf(makers)} is loaded`);
		if (makesOwnSpans(copy)) return ok(name, `${what}: makes its own spans`);
		if (lookedOn) {
			const fix =
				"call instrumentLlmSdks() of @armspan/register/own-set-up before it is loaded; nothing, if instrumentOpenAi or its like is called by hand";
			return warn(name, `${what}: not patched by instrumentLlmSdks()`, fix);
		}
		return fail(
			name,
			`${what}: not patched, so no spans and no tags`,
			`npm install ${copy.name} ${PATCHED[copy.name]}`,
		);
	}
	const patched = makesOwnSpans(copy)
		? "makes its own spans; @armspan/register is patched in and makes them where openTelemetry is false"
		: "patched by @armspan/register";
	if (!client.some(({ wrappedByOthers }) => wrappedByOthers)) return ok(name, `${what}: ${patched}`);
	return warn(
		name,
		`${what}: patched by @armspan/register and wrapped by ${makers.length === 0 ? "another instrumentation" : namesOf(makers)}`,
		"a call counts once, as theirs, when their span is active; remove one of the two to have one kind of span",
	);
}

/** `@anthropic-ai/sdk` since 0.134. */
function makesOwnSpans({ name, version }: LoadedCopy): boolean {
	const [major = 0, minor = 0] = version.split(".").map(Number);
	return name === "@anthropic-ai/sdk" && (major > 0 || minor >= 134);
}

function otherCheck(copy: LoadedCopy, makers: readonly LoadedCopy[], fix: string): Check {
	if (makers.length > 0) return ok("llm sdk", `${describe(copy)}: its spans come from ${namesOf(makers)}`);
	return warn("llm sdk", `${describe(copy)}: nobody makes spans for it`, fix);
}

function describe({ name, version, formats, directory }: LoadedCopy): string {
	const kinds = formats.map((format) => (format === "module" ? "ESM" : format === "commonjs" ? "CommonJS" : format));
	return `${name} ${version} (${kinds.join(" and ")}) at ${directory}`;
}

function namesOf(copies: readonly LoadedCopy[]): string {
	return [...new Set(copies.map(({ name, version }) => `${name} ${version}`))].join(", ");
}
