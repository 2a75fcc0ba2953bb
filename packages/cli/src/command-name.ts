/** How the user called us, for messages that say what to type next: the packages are not on npm yet. */
export function commandName(): string {
	return process.env.npm_lifecycle_event === undefined ? "armspan" : "npm run armspan --";
}
