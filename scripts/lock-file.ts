export interface LockEntry {
	version?: string;
	resolved?: string;
	integrity?: string;
	link?: boolean;
	optional?: boolean;
	os?: string[];
	cpu?: string[];
	libc?: string[];
	optionalDependencies?: Record<string, string>;
	[key: string]: unknown;
}

/** What this repository reads of an npm lock file, version 3. */
export interface LockFile {
	packages: Record<string, LockEntry>;
}

const SYSTEMS = ["android", "darwin", "win32", "linux", "aix", "freebsd", "netbsd", "openbsd", "sunos", "openharmony"];
const PROCESSORS = ["arm64", "arm", "x64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32"];

/** Operating system, processor and C library that a binary package's name announces: `lib-linux-x64-musl`. */
export function platformOfName(name: string): Pick<LockEntry, "os" | "cpu" | "libc"> {
	const words = name.split(/[/-]/);
	const os = words.find((word) => SYSTEMS.includes(word));
	const cpu = words.find((word) => PROCESSORS.includes(word));
	const libc = words.includes("musl") ? "musl" : words.includes("gnu") ? "glibc" : undefined;
	return {
		...(os ? { os: [os] } : {}),
		...(cpu ? { cpu: [cpu] } : {}),
		...(libc && os === "linux" ? { libc: [libc] } : {}),
	};
}

/** Optional dependencies that some entry asks for and that no entry provides, and where the entry belongs. */
export function missingOptionalPackages(lock: LockFile): { name: string; range: string; at: string }[] {
	const missing = new Map<string, { name: string; range: string; at: string }>();
	for (const [location, entry] of Object.entries(lock.packages)) {
		for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
			if (!resolves(lock, location, name)) {
				missing.set(`node_modules/${name}`, { name, range, at: `node_modules/${name}` });
			}
		}
	}
	return [...missing.values()];
}

/** Node's resolution on lock locations: the nearest `node_modules` from `location` upwards. */
function resolves(lock: LockFile, location: string, name: string): boolean {
	let folder = location;
	for (;;) {
		if (`${folder === "" ? "" : `${folder}/`}node_modules/${name}` in lock.packages) {
			return true;
		}
		if (folder === "") {
			return false;
		}
		const parent = folder.lastIndexOf("/node_modules/");
		folder = parent >= 0 ? folder.slice(0, parent) : "";
	}
}
