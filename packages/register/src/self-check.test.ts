import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findApplication } from "./application.ts";
import { selfCheck } from "./self-check.ts";

/** An application folder with these packages installed, by name and version. */
function application(installed: Readonly<Record<string, string>>): string {
	const folder = mkdtempSync(join(tmpdir(), "armspan-application-"));
	writeFileSync(join(folder, "package.json"), '{"name":"shop"}');
	for (const [name, version] of Object.entries(installed)) {
		const directory = join(folder, "node_modules", name);
		mkdirSync(directory, { recursive: true });
		writeFileSync(join(directory, "package.json"), JSON.stringify({ name, version }));
	}
	return folder;
}

const check = (installed: Readonly<Record<string, string>>) =>
	selfCheck(findApplication(undefined, application(installed)));

it("is silent when every LLM SDK will yield spans", () => {
	expect(check({})).toBeUndefined();
	expect(check({ openai: "7.55.0" })).toBeUndefined();
	expect(check({ openai: "4.104.0", express: "5.0.0" })).toBeUndefined();
	expect(check({ "@anthropic-ai/sdk": "1.11.0", "@google/genai": "3.1.0" })).toBeUndefined();
	expect(check({ "@langchain/core": "1.2.13", "@langchain/openai": "1.3.0", openai: "7.55.0" })).toBeUndefined();
	expect(check({ "@langchain/core": "1.2.13", "@traceloop/instrumentation-langchain": "0.27.0" })).toBeUndefined();
});

it("names each SDK that will yield none, its version and what to do, in one line", () => {
	const warning = check({
		openai: "8.0.0",
		"@google/generative-ai": "0.24.1",
		"@google/genai": "4.0.0",
		ai: "7.0.173",
	});
	expect(warning).toContain("openai 8.0.0 is a version not instrumented here");
	expect(warning).toContain("@google/generative-ai 0.24.1 has no instrumentation here");
	expect(warning).toContain("@google/genai 4.0.0 is a version not instrumented here");
	expect(warning).toContain("registerTelemetry()");
	expect(warning).not.toContain("\n");
});

it("finds the application from its main file, upwards", () => {
	const folder = application({ openai: "8.0.0" });
	mkdirSync(join(folder, "src", "bin"), { recursive: true });
	writeFileSync(join(folder, "src", "bin", "main.js"), "");
	const found = findApplication("src/bin/main.js", folder);
	expect(found.packageName).toBe("shop");
	expect(selfCheck(found)).toContain("openai 8.0.0");
});

it("survives manifests that are none", () => {
	const folder = application({});
	mkdirSync(join(folder, "node_modules", "openai"), { recursive: true });
	writeFileSync(join(folder, "node_modules", "openai", "package.json"), "{");
	writeFileSync(join(folder, "package.json"), "null");
	expect(selfCheck(findApplication("main.js", folder))).toContain("openai unknown");
});
