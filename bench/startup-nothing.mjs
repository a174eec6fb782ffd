// What Node itself takes to import a file; see startup-child.mjs.
