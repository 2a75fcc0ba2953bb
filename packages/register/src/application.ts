import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The program that register was loaded into. */
export interface Application {
	/** Folder of its main file; the working directory when there is none. */
	readonly directory: string;
	/** `name` of the nearest package.json above it. */
	readonly packageName: string | undefined;
}

export function findApplication(mainFile: string | undefined, workingDirectory: string): Application {
	const directory = mainFile === undefined ? workingDirectory : dirname(realPath(resolve(workingDirectory, mainFile)));
	for (const folder of foldersUp(directory)) {
		const manifest = readManifest(join(folder, "package.json"));
		if (manifest !== undefined) return { directory, packageName: text(manifest.name) };
	}
	return { directory, packageName: undefined };
}

/** Version of a package that the application would load, found as Node finds it; `undefined` when it is not there. */
export function installedVersion(application: Application, packageName: string): string | undefined {
	for (const folder of foldersUp(application.directory)) {
		const file = join(folder, "node_modules", packageName, "package.json");
		if (existsSync(file)) return text(readManifest(file)?.version) ?? "unknown";
	}
	return undefined;
}

function* foldersUp(directory: string): Generator<string> {
	let folder = directory;
	for (;;) {
		yield folder;
		const parent = dirname(folder);
		if (parent === folder) return;
		folder = parent;
	}
}

function readManifest(file: string): Record<string, unknown> | undefined {
	try {
		const manifest: unknown = JSON.parse(readFileSync(file, "utf8"));
		return typeof manifest === "object" && manifest !== null ? (manifest as Record<string, unknown>) : undefined;
	} catch {
		// Not there or not JSON: as good as none.
		return undefined;
	}
}

function realPath(file: string): string {
	try {
		return realpathSync(file);
	} catch {
		// `node app` may mean app.js; the folder is right all the same.
		return file;
	}
}

function text(value: unknown): string | undefined {
	return typeof value === "string" && value !== "" ? value : undefined;
}
