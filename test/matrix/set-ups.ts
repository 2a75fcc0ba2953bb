import { addOpenInference } from "./openinference-langchain.ts";
import { OTEL_2, OTEL_3, type OtelLine, ownSetUp } from "./own-set-up.ts";
import { importLine, type ModuleType, SDK_PROGRAMS, type SdkProgram } from "./sdk-program.ts";

/** A way in which applications come to Armspan and OpenTelemetry. */
export interface SetUp {
	readonly name: string;
	/** Besides Armspan and the SDKs. */
	readonly packages: Readonly<Record<string, string>>;
	readonly execArgv: readonly string[];
	/** Files of the application, by name. */
	readonly files?: Readonly<Record<string, string>>;
	/** Statements for the start of the program. */
	before(type: ModuleType): string;
	readonly sdks: readonly SdkProgram[];
}

/** Two copies of import-in-the-middle. Version 1.7, which OpenInference brings, breaks `zod` 4 whether or not we are there. */
const TWO_LOADER_HOOKS = `import { register } from "node:module";
register("import-in-the-middle/hook.mjs", import.meta.url);
register("@opentelemetry/instrumentation/hook.mjs", import.meta.url);
`;

/** Without register, the clients that make no spans by themselves are handed over. */
const BY_HAND: Readonly<Record<string, string>> = {
	openai: "instrumentOpenAi(OpenAI);",
	"google-genai": "instrumentGoogleGenAi(google);",
};

export const SET_UPS: readonly SetUp[] = [
	{
		name: "register",
		packages: {},
		execArgv: ["--import", "@armspan/register"],
		before: () => "",
		sdks: SDK_PROGRAMS,
	},
	{
		name: "register, beside api 1.9.1, instrumentation 0.223, two loader hooks",
		packages: {
			"@arizeai/openinference-instrumentation-langchain": "4.1.1",
			"@opentelemetry/api": "1.9.1",
			"@opentelemetry/instrumentation": "0.223.0",
			"import-in-the-middle": "1.15.0",
		},
		execArgv: ["--import", "./hooks.mjs", "--import", "@armspan/register"],
		files: { "hooks.mjs": TWO_LOADER_HOOKS },
		before: addOpenInference,
		sdks: SDK_PROGRAMS,
	},
	ownOtel(OTEL_2),
	ownOtel(OTEL_3),
];

function ownOtel(line: OtelLine): SetUp {
	return {
		name: `own OpenTelemetry ${line.name}, api ${line.packages["@opentelemetry/api"]}`,
		packages: line.packages,
		execArgv: [],
		before: (type) => `${ownSetUp(type, line)}
${importLine(type, "instrumentOpenAi", "@armspan/register/openai")}
${importLine(type, "instrumentGoogleGenAi", "@armspan/register/google-genai")}
`,
		sdks: SDK_PROGRAMS.map((sdk) => ({ ...sdk, setUp: `${sdk.setUp}\n${BY_HAND[sdk.name] ?? ""}` })),
	};
}
