import { statSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Short test files first: what kills a mutant is seldom a long one, and nothing runs after it. */
class ShortFilesFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const size = ({ moduleId }: TestSpecification) => statSync(moduleId).size;
		return [...files].sort((a, b) => size(a) - size(b));
	}
}

export default defineConfig({
	test: {
		include: ["src/**/*.test.ts"],
		// Runs the examples in a process of its own, where no mutant is active.
		exclude: ["src/documentation.test.ts"],
		setupFiles: ["mutation/setup.ts"],
		testTimeout: 120_000,
		isolate: false,
		sequence: { sequencer: ShortFilesFirst },
	},
});
