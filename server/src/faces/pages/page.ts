/** Text of unknown origin, made safe for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

const STYLE = `
:root { color-scheme: light dark; --ink: #23201c; --paper: #fbfaf8; --quiet: #6b655c; --line: #e3dfd8; --accent: #0a5fb4 }
@media (prefers-color-scheme: dark) { :root { --ink: #ece8e1; --paper: #1b1917; --quiet: #a39c91; --line: #38342f; --accent: #7db8f2 } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 18px/1.5 system-ui, sans-serif }
main { max-width: 42rem; margin: 0 auto; padding: 2rem 1rem 4rem }
h1 { font-size: 36px; line-height: 1.15; margin: 0 0 .5rem }
h2 { font-size: 24px; margin: 2.5rem 0 .5rem }
a { color: var(--accent); text-underline-offset: .2em }
a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
code, pre { font: 15px/1.5 ui-monospace, monospace }
pre { padding: 1rem; border: 1px solid var(--line); border-radius: 8px; overflow-x: auto }
dt { font-weight: 600; margin-top: 1.25rem; scroll-margin-top: 1rem } dd { margin: .25rem 0 0 } .quiet { color: var(--quiet) }
li { padding: .25rem 0 }
:target { background: color-mix(in srgb, var(--accent) 15%, transparent) }`

/** A plain page that needs no script and reads well on a phone, in light and dark. `body` is trusted HTML. */
export function htmlPage({ title, body }: { title: string; body: string }): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main>${body}</main></body></html>`
}
