/** System colours, so that it follows the light, the dark and the high contrast of whoever looks at it. */
export const STYLE = `
/* What is not important gives way to the page's own styles. While it is closed, the page lays nothing out for it. */
:host { all: initial !important; direction: ltr !important; --height: min(50vh, 480px); display: block !important;
  position: absolute !important;
  color-scheme: light dark !important; font: 13px/1.5 system-ui, sans-serif !important; color: CanvasText !important; }
/* The page can be scrolled until nothing of it is behind the panel. */
:host(.open) { position: static !important; height: var(--height) !important; }
@media print { :host { display: none !important; } }
* { box-sizing: border-box; font: inherit; }
[hidden] { display: none !important; }
.toggle { position: fixed; right: 12px; bottom: 12px; z-index: 2147483647; }
#panel { position: fixed; inset: auto 0 0; z-index: 2147483646; height: var(--height); display: flex; flex-direction: column;
  gap: 8px; padding: 8px 12px; background: Canvas; border-top: 2px solid; overflow: auto; }
button, select { padding: 3px 10px; border: 1px solid; border-radius: 4px; background: ButtonFace; color: ButtonText; }
button { cursor: pointer; }
button[aria-disabled=true] { color: GrayText; cursor: default; }
:focus-visible { outline: 2px solid Highlight; outline-offset: 1px; }
.bar { display: flex; flex-wrap: wrap; gap: 6px; }
[role=status] { margin: 0; min-height: 1.5em; }
.columns { display: grid; grid-template-columns: minmax(220px, 1fr) minmax(240px, 2fr) minmax(240px, 2fr); gap: 16px; flex: 1; min-height: 0; }
.columns > section { overflow: auto; padding-bottom: 40px; }
section section { margin-top: 12px; }
h2 { margin: 0 0 4px; font-weight: 600; }
dl { margin: 0; }
dl div { display: flex; gap: 8px; }
dt { flex: 0 0 76px; }
dd { margin: 0; overflow-wrap: anywhere; }
.items, summary { overflow-wrap: anywhere; }
details .items { margin-left: 16px; }
details > .bar { margin: 4px 16px; }
summary { cursor: pointer; padding: 3px 0; }
.leaf { padding-left: 14px; }
.name, .value { font-family: ui-monospace, monospace; }
.name { font-weight: 600; }
dt, .size { color: color-mix(in srgb, CanvasText 70%, Canvas); }
@media (max-width: 720px) {
  :host { --height: 55vh; }
  .columns { display: block; flex: none; }
  .columns > section { overflow: visible; padding-bottom: 12px; }
  .columns > section:last-child { padding-bottom: 48px; }
}
`
