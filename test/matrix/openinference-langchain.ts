import { importLine, type ModuleType, SDK_PROGRAMS, type SdkProgram } from "./sdk-program.ts";

/** Statements that add OpenInference's instrumentation of LangChain, as its README has it. */
export function addOpenInference(type: ModuleType): string {
	const manager = "@langchain/core/callbacks/manager";
	return `${importLine(type, "LangChainInstrumentation", "@arizeai/openinference-instrumentation-langchain")}
${type === "module" ? `import * as manager from "${manager}";` : `const manager = require("${manager}");`}
new LangChainInstrumentation().manuallyInstrument(manager);
`;
}

/** LangChain with a callback of the application's that takes a while, so that its queue is busy, as under load. */
export function busyLangChain(): SdkProgram {
	const langChain = SDK_PROGRAMS.find(({ name }) => name === "langchain")!;
	const slow = "{ handleChatModelStart: () => new Promise((resolve) => setTimeout(resolve, 2)) }";
	return { ...langChain, ask: langChain.ask.replace("maxRetries: 0,", `maxRetries: 0, callbacks: [${slow}],`) };
}
