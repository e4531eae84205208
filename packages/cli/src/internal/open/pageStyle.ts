export const style = `
:root{color-scheme:light dark;--text:#1b1f24;--soft:#4f5863;--back:#f6f7f9;--card:#fff;--line:#d3d8de;--strong:#6b7683;--main:#0b57b7;--on-main:#fff;--good:#136c34;--bad:#a3221b;--bad-back:#fdf0ef;--step:#eef4fc}
@media (prefers-color-scheme:dark){:root{--text:#e6e9ed;--soft:#aab3bd;--back:#14171b;--card:#1d2126;--line:#39414a;--strong:#8a95a1;--main:#8ab8ff;--on-main:#0d1a2b;--good:#7ddc9b;--bad:#ffaca5;--bad-back:#3a201f;--step:#1f2b3a}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0 auto;max-width:76rem;padding:1.25rem 1rem 3rem;font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--back)}
header{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem 1rem;margin-bottom:1rem}
h1{margin:0;font-size:1.5rem;line-height:1.25}
#summary{margin:0;flex:1 1 12rem;color:var(--soft)}
ul{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(22rem,100%),1fr));gap:1rem;align-items:start;margin:0;padding:0;list-style:none}
section,.card{padding:1rem;border:1px solid var(--line);border-radius:.5rem;background:var(--card);overflow-wrap:anywhere}
section{max-width:40rem;margin-bottom:1rem}
h2{margin:0;font-size:1.125rem;line-height:1.3}
p{margin:.5rem 0 0}
.who{margin-top:0;color:var(--soft)}
.state{font-weight:600}
.state::before{content:"";display:inline-block;width:.625rem;height:.625rem;margin-right:.5rem;border:2px solid var(--strong);border-radius:50%}
.live .state::before{border-color:var(--good);background:var(--good)}
.live .state{color:var(--good)}
.failure{margin-top:.75rem;padding:.625rem .75rem;border-left:4px solid var(--bad);border-radius:.25rem;background:var(--bad-back)}
.failure p,.step p:first-child{margin:0}
.message{font-weight:600;color:var(--bad)}
.step{margin-top:.75rem;padding:.75rem;border-radius:.25rem;background:var(--step)}
.problem{color:var(--bad)}
.buttons{display:flex;flex-wrap:wrap;gap:.5rem;margin-top:.75rem}
button,input{min-height:2.75rem;padding:.375rem .875rem;border:1px solid var(--strong);border-radius:.375rem;font:inherit;color:inherit;background:var(--card)}
button{cursor:pointer}
button.main{border-color:var(--main);color:var(--on-main);background:var(--main)}
button[aria-disabled=true]{border-color:var(--line);color:var(--soft);background:var(--back);cursor:default}
a{color:var(--main)}
.link a{display:inline-block;padding:.5rem 0;font-weight:600}
:focus-visible{outline:3px solid var(--main);outline-offset:2px}
label{display:block;margin-top:.75rem}
.line{display:flex;flex-wrap:wrap;gap:.5rem;margin-top:.25rem}
.line input{flex:1 1 9rem;min-width:0}
.qr{display:block;width:min(15rem,100%);margin:.75rem auto 0;border-radius:.25rem;background:#fff;shape-rendering:crispEdges}
.left{color:var(--soft)}
dl{margin:.875rem 0 0;font-size:.875rem}
dl div{display:grid;grid-template-columns:6.5rem 1fr;gap:.5rem;padding:.375rem 0;border-top:1px solid var(--line)}
dt{color:var(--soft)}
dd{margin:0;min-width:0}
.held .guard{font-weight:600;color:var(--bad)}
code{font-family:ui-monospace,monospace;font-size:.9375em}
.unseen{position:absolute;width:1px;height:1px;margin:0;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
`
