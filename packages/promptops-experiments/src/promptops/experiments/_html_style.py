"""The style sheet of the HTML report."""

from __future__ import annotations

from typing import Final

__all__ = ["STYLE"]

STYLE: Final = """
:root{color-scheme:light dark;--page:#f7f7f5;--card:#fff;--ink:#1c1d21;--soft:#5b5e66;--line:#dfdfda;--mark:#3457d5;
--good:#146c43;--bad:#b3261e;--good-fill:#4caf7d;--bad-fill:#e0736b;--even-fill:#d2d3d0}
@media (prefers-color-scheme:dark){:root{--page:#15161a;--card:#1e2026;--ink:#e9e9ec;--soft:#a3a6ae;--line:#34363e;
--mark:#9db2ff;--good:#6fd39f;--bad:#ff9b92;--good-fill:#2f8f62;--bad-fill:#b9534b;--even-fill:#484b54}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem clamp(1rem,4vw,3rem) 4rem;max-width:76rem;background:var(--page);color:var(--ink);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .75rem;letter-spacing:-.01em}
h2{font-size:1.35rem;margin:0 0 .5rem;overflow-wrap:anywhere}
h3{font-size:1.05rem;margin:0;display:inline}
h4{font-size:.95rem;margin:0 0 .5rem;overflow-wrap:anywhere}
a{color:var(--mark)}
:focus-visible{outline:3px solid var(--mark);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;padding:0;margin:0}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.5rem;margin:1.5rem 0}
.against,.facts,.why,small{color:var(--soft)}.against,small{font-weight:400}
.facts{margin:.25rem 0 1rem;font-size:.92rem;overflow-wrap:anywhere}
.why{margin:.5rem 0 0;font-size:.9rem;overflow-wrap:anywhere}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}
caption{text-align:left;color:var(--soft);font-size:.9rem;padding-bottom:.4rem}
th,td{text-align:left;padding:.6rem .75rem;border-top:1px solid var(--line);vertical-align:top}
thead th{border-top:0;color:var(--soft);font-weight:600;font-size:.88rem;vertical-align:bottom}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}thead .n{white-space:normal}
.good{color:var(--good)}.bad{color:var(--bad)}td.n.good,td.n.bad{font-weight:650}
.bar{display:block;height:.3rem;margin-top:.35rem;min-width:5rem;border-radius:9px;
background:var(--even-fill);overflow:hidden}
.bar span{display:block;height:100%;background:var(--mark)}
.share{display:flex;height:.7rem;min-width:14rem;border-radius:9px;overflow:hidden;margin:.4rem 0}
.share .good{background:var(--good-fill)}.share .even{background:var(--even-fill)}
.share .bad{background:var(--bad-fill)}
.counts{font-size:.88rem;white-space:nowrap}
details.group{margin-top:1.25rem}
summary{cursor:pointer}
details.group>summary{padding:.35rem 0}
details.pair{border:1px solid var(--line);border-radius:10px;margin:.5rem 0;padding:.55rem .8rem}
details.pair>summary>span:first-child{font-variant-numeric:tabular-nums;color:var(--soft);margin-right:.6rem}
.headline{overflow-wrap:anywhere}
dl{margin:0 0 1rem}dl>div{margin-bottom:.6rem}dt{color:var(--soft);font-size:.88rem}dd{margin:0}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));gap:.8rem}
.sides>div{border:1px solid var(--line);border-radius:10px;padding:.8rem;min-width:0}
pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;
font:.88rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media print{body{background:#fff;max-width:none}section{break-inside:auto;border:0;padding:0}}
"""
