import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const GO = process.env.GO ?? "go";

interface Mount {
	type: "bind" | "volume";
	source: string;
	target: string;
	read_only?: boolean;
	bind?: { create_host_path?: boolean };
}

/** What our tests look at of a service, as `docker compose config` would print it. */
export interface ComposeService {
	image: string;
	user?: string;
	command: string[] | null;
	environment?: Record<string, string>;
	volumes?: Mount[];
	ports?: { host_ip?: string; target: number }[];
	cap_drop?: string[];
	cap_add?: string[];
	read_only?: boolean;
	security_opt?: string[];
	privileged?: boolean;
	restart: string;
	healthcheck?: { test: string[] };
	depends_on?: Record<string, { condition: string }>;
}

export interface ComposeProject {
	services: Record<string, ComposeService>;
	volumes: Record<string, unknown>;
}

/** Why the file cannot be read here; `undefined` when it can. */
export function composeUnavailable(): string | undefined {
	return spawnSync(GO, ["version"]).status === 0 ? undefined : "go, which builds Compose's own loader, is missing";
}

/**
 * The project that Compose makes of docker-compose.yml, by Compose's own library.
 * @throws with what Compose says
 */
export function loadComposeFile(env: Readonly<Record<string, string>>): ComposeProject {
	const { status, stdout, stderr } = spawnSync(GO, ["run", ".", join(ROOT, "docker-compose.yml")], {
		cwd: join(import.meta.dirname, "loader"),
		encoding: "utf8",
		env: { PATH: process.env.PATH, HOME: process.env.HOME, GOFLAGS: "-mod=readonly", ...env },
	});
	if (status !== 0) throw new Error(stderr);
	return JSON.parse(stdout) as ComposeProject;
}

/** .env.example, filled in: each variable that is left empty there gets a value of its own. */
export function exampleEnvironment(): Record<string, string> {
	const lines = readFileSync(join(ROOT, ".env.example"), "utf8").split("\n");
	const names = lines.map((line) => /^([A-Z_]+)=$/.exec(line)?.[1]).filter((name) => name !== undefined);
	return Object.fromEntries(
		names.map((name) => [name, name === "ARMSPAN_REPOSITORY" ? "my-prompts" : `value-of-${name}`]),
	);
}
