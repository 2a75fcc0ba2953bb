import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// Packages are tested from their sources: the condition picks src/index.ts in every workspace's exports.
const conditions = ["armspan-source"];

export default defineConfig({
	resolve: { conditions },
	ssr: { resolve: { conditions, externalConditions: conditions } },
	test: {
		include: [
			"packages/*/src/**/*.test.ts",
			"packages/*/test/**/*.test.ts",
			"examples/*/src/**/*.test.ts",
			"test/**/*.test.ts",
			"scripts/**/*.test.ts",
		],
		globalSetup: ["test/temporary-folder.ts"],
		// Many tests wait for processes of their own: a worker per core, where vitest would leave one core out.
		maxWorkers: Math.max(2, availableParallelism()),
		testTimeout: 30_000,
		hookTimeout: 60_000,
	},
});
