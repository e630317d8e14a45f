"""The styles of a page: light and dark, on a phone and on paper. Only significant changes have a colour."""

from __future__ import annotations

__all__ = ["IN_ANOTHER", "STYLE", "WHOLE"]

# The colours of a complete file, which follow the reader's colour scheme.
WHOLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1c1c1c;--soft:#5a5a5a;--line:#d9d9d9;--box:#f6f6f4;--up:#0a6b2d;
--down:#b3261e;--link:#1a4f9c}
@media (prefers-color-scheme:dark){:root{--bg:#151515;--fg:#e9e9e9;--soft:#b4b4b4;--line:#3d3d3d;--box:#212121;
--up:#7fd895;
--down:#ff9489;--link:#9cc2ff}}
@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--soft:#444;--line:#bbb;--box:#fff;--up:#0a6b2d;
--down:#b3261e;
--link:#000}}
body{margin:0;background:var(--bg)}
"""
# Within another page all colours mix with its text colour: a notebook may be light on a dark desktop.
IN_ANOTHER = """
.crmkpi-page{--bg:transparent;--fg:currentColor;--soft:color-mix(in srgb,currentColor 78%,transparent);
--line:rgb(128 128 128/.35);--box:rgb(128 128 128/.1);--up:color-mix(in srgb,#1f9d48 70%,currentColor);
--down:color-mix(in srgb,#dc3a30 70%,currentColor);--link:color-mix(in srgb,#3b82f6 70%,currentColor)}
"""
STYLE = """
.crmkpi-page{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
.crmkpi-page>*{max-width:72rem;margin:0 auto;padding:0 1rem}
.crmkpi-page header{padding-top:1.6rem}
.crmkpi-page :is(h1,h2,h3){line-height:1.25;margin:0}
.crmkpi-page h1{font-size:1.55rem}
.crmkpi-page h2{font-size:1.2rem;margin:2.2rem 0 .7rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
.crmkpi-page h3{font-size:1rem}
.crmkpi-page a{color:var(--link);text-underline-offset:.15em}
.crmkpi-page p{margin:.3rem 0}
.crmkpi-page .soft,.crmkpi-page small{color:var(--soft);font-size:.86rem}
.crmkpi-page .better{color:var(--up)}
.crmkpi-page .worse{color:var(--down)}
.crmkpi-page nav{margin-top:.8rem}
.crmkpi-page nav a{display:inline-block;padding:.3rem .9rem .3rem 0}
.crmkpi-page ul{margin:.2rem 0 .9rem;padding-left:1.2rem}
.crmkpi-page :is(h1,h2,h3,p,li,dt,dd,figcaption,summary){overflow-wrap:anywhere}
.crmkpi-page .lines{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:.3rem 2.4rem}
.crmkpi-page .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15rem),1fr));gap:.8rem;
margin:1.2rem 0 0;
padding:0;
list-style:none}
.tiles li{background:var(--box);border:1px solid var(--line);border-radius:.5rem;padding:.7rem .9rem;
break-inside:avoid;
display:flex;flex-direction:column}
.tiles h3{font-size:.95rem;font-weight:600}
.tiles h3 a{color:inherit}
.tiles .v{font-size:1.6rem;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums}
.tiles p{margin:0}
.tiles svg{margin-top:auto;padding-top:.4rem}
svg.s{width:5rem;height:1.25rem;display:block}
.tiles svg.s{width:100%;height:auto;max-height:4rem}
.tiles svg circle{r:1.3px}
svg.t{width:100%;height:auto;display:block}
.crmkpi-page svg path{fill:none;stroke:currentColor;stroke-width:1.5;stroke-linejoin:round;
vector-effect:non-scaling-stroke}
.crmkpi-page svg circle{stroke:currentColor;fill:var(--bg)}
.crmkpi-page svg .d{fill:currentColor}
.crmkpi-page svg .b{fill:currentColor;fill-opacity:.14;stroke:none}
.crmkpi-page svg .g{stroke-opacity:.3;stroke-width:1}
.crmkpi-page svg text{font:11px system-ui,sans-serif;fill:var(--soft)}
.trends{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1.2rem 2rem}
.crmkpi-page figure{margin:0;break-inside:avoid}
.crmkpi-page figcaption{font-weight:600}
.crmkpi-page details{border-bottom:1px solid var(--line)}
.crmkpi-page summary{cursor:pointer;padding:.55rem 0}
.crmkpi-page summary :is(h2,h3){display:inline;border:0}
.x{overflow-x:auto}
.x .crmkpi{overflow:visible}
.crmkpi-page table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;margin:.2rem 0 1rem}
.crmkpi-page table caption{text-align:left;color:var(--soft);font-size:.86rem;padding-bottom:.3rem}
.crmkpi-page :is(th,td){padding:.3rem .7rem .3rem 0;text-align:right;vertical-align:baseline;
border-top:1px solid var(--line);
font-weight:400}
.crmkpi-page thead th{border:0;color:var(--soft);font-size:.86rem;vertical-align:bottom}
.crmkpi-page :is(th,td).l{text-align:left;overflow-wrap:break-word}
.x th.l{min-width:7rem}
.crmkpi-page td b{font-weight:400;white-space:nowrap}
.crmkpi-page .reasons th.l{width:45%}
.crmkpi-page td.v{font-weight:600;white-space:nowrap}
.crmkpi-page td.n{white-space:nowrap}
.crmkpi-page tr{break-inside:avoid}
.crmkpi-page td.h{white-space:nowrap;background:color-mix(in srgb,var(--fg) var(--s,0%),var(--bg))}
.crmkpi-page dl{margin:0}
.crmkpi-page dl div{break-inside:avoid;padding:.2rem 0}
.crmkpi-page dt{font-weight:600}
.crmkpi-page dt:target{outline:2px solid var(--link);outline-offset:.2rem}
.crmkpi-page dd{margin:0}
.crmkpi-page code{font-size:.86rem;font-weight:400;color:var(--soft)}
.defs{columns:22rem;column-gap:2.4rem}
.facts div{display:grid;grid-template-columns:8rem 1fr;gap:1rem}
.facts dd{overflow-wrap:anywhere}
.crmkpi-page footer{margin-top:2.4rem;padding-bottom:2rem}
@media (max-width:40rem){.wide{display:none}.crmkpi-page h1{font-size:1.3rem}.facts div{
grid-template-columns:6.5rem 1fr}}
@media print{@page{margin:15mm}.x table{font-size:8pt}.crmkpi-page{font-size:9pt}.crmkpi-page :is(th,td){
padding:.1rem .6rem .1rem 0}.defs{
columns:2}
.tiles .v{font-size:1.25rem}.crmkpi-page>*{max-width:none;padding:0}.crmkpi-page nav{display:none}
.crmkpi-page :is(h2,h3,summary){break-after:avoid}details::details-content{content-visibility:visible;height:auto}
.crmkpi-page summary{list-style:none}
.crmkpi-page a{text-decoration:none}.x{overflow:visible}.tiles{grid-template-columns:repeat(4,1fr)}
.trends{grid-template-columns:1fr 1fr}}
"""
