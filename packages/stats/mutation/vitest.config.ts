import { defineConfig } from "vitest/config";

export default defineConfig({
	test: {
		include: ["src/**/*.test.ts"],
		// Runs the examples in a process of its own, where no mutant is active.
		exclude: ["src/documentation.test.ts"],
		setupFiles: ["mutation/setup.ts"],
		testTimeout: 120_000,
		isolate: false,
	},
});
