/// The style sheet of a report: light and dark, from a phone's width up, and on paper.
enum PageStyle {
  static let text = [colors, page, blocks, charts, paper].joined(separator: "\n")

  private static let colors = """
    :root{--page:#fbfbfa;--card:#fff;--ink:#1b1f24;--soft:#5c6570;--hair:#e2e4e8;
    --accent:#1f5fbf;--c1:#1f5fbf;--c2:#c2410c;--c3:#15803d;--c4:#8b3fc4;--c5:#b8860b;--c6:#0e7490;
    --c7:#be185d;--c8:#64707d;--good:#15803d;--warn:#a16207;--bad:#b91c1c}
    @media (prefers-color-scheme:dark){:root{--page:#121417;--card:#1a1d21;--ink:#e6e8eb;
    --soft:#9aa4af;--hair:#2d3238;--accent:#7cb0ff;--c1:#6ea8fe;--c2:#ff9a5c;--c3:#5fd38d;
    --c4:#c792ff;--c5:#e6c15a;--c6:#5cc8dc;--c7:#ff86b3;--c8:#9aa4af;--good:#5fd38d;--warn:#e6c15a;
    --bad:#ff8a80}}
    .c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}.c4{--c:var(--c4)}
    .c5{--c:var(--c5)}.c6{--c:var(--c6)}.c7{--c:var(--c7)}.c8{--c:var(--c8)}
    """

  private static let page = """
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
    body{margin:0;background:var(--page);color:var(--ink);
    font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
    main,footer{max-width:68rem;margin:0 auto;padding:0 clamp(1rem,4vw,2.5rem)}
    main{padding-top:clamp(1.25rem,4vw,3rem)}
    footer{padding-top:2rem;padding-bottom:3rem;color:var(--soft);font-size:.8125rem}
    .eyebrow{margin:0;color:var(--soft);font-size:.8125rem;letter-spacing:.02em}
    h1{margin:.1rem 0 .6rem;font-size:clamp(1.6rem,1.2rem + 2vw,2.25rem);line-height:1.15;
    letter-spacing:-.015em;overflow-wrap:anywhere}
    h2{margin:0 0 .75rem;font-size:1.25rem;line-height:1.3;letter-spacing:-.01em}
    h3{margin:0 0 .35rem;font-size:.8125rem;font-weight:600;color:var(--soft)}
    section{margin-top:2.75rem}
    p{margin:0 0 .75rem}
    .lead{max-width:46rem;font-size:1.0625rem;overflow-wrap:anywhere}
    .note{margin-top:-.5rem;color:var(--soft);font-size:.875rem;max-width:46rem}
    .unfinished{max-width:46rem;padding:.1rem 0 .1rem .8rem;border-left:.25rem solid var(--soft);
    font-size:.9375rem;overflow-wrap:anywhere}
    .unfinished.stopped{border-color:var(--warn)}.unfinished.failed{border-color:var(--bad)}
    .badge{display:inline-block;vertical-align:.28em;margin-left:.35rem;padding:.15rem .6rem;
    border:1px solid currentColor;border-radius:1rem;font-size:.75rem;font-weight:600;line-height:1.3;
    letter-spacing:0;color:var(--soft)}
    td .badge{vertical-align:baseline;margin:0}
    .badge.finished{color:var(--good)}.badge.running{color:var(--accent)}
    .badge.stopped{color:var(--warn)}.badge.failed{color:var(--bad)}
    """

  private static let blocks = """
    .tiles{display:grid;gap:1px;margin-top:1.75rem;overflow:hidden;background:var(--card);
    border:1px solid var(--hair);border-radius:.6rem;
    grid-template-columns:repeat(auto-fit,minmax(min(9.5rem,45%),1fr))}
    .tile{display:flex;flex-direction:column;padding:.8rem 1rem .85rem;box-shadow:0 0 0 1px var(--hair)}
    .tile .name,.tile .more{color:var(--soft);font-size:.8125rem;line-height:1.35}
    .tile .value{margin:.1rem 0 .15rem;font-size:clamp(1.2rem,4.2vw,1.5rem);font-weight:600;line-height:1.25;
    letter-spacing:-.01em;font-variant-numeric:tabular-nums}
    .tile small{font-size:.875rem;font-weight:400;letter-spacing:0;color:var(--soft)}
    .use{margin-top:1.75rem}
    .use p{margin:0 0 .3rem;font-size:.875rem;color:var(--soft)}
    .use pre{margin-bottom:.7rem}
    code,pre,.path{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
    font-size:.8125rem}
    pre{margin:0;padding:.65rem .85rem;white-space:pre-wrap;overflow-wrap:anywhere;background:var(--card);line-height:1.5;
    border:1px solid var(--hair);border-radius:.45rem;-webkit-user-select:all;user-select:all}
    .path{overflow-wrap:anywhere}
    details{border-top:1px solid var(--hair)}
    details:last-of-type{border-bottom:1px solid var(--hair)}
    summary{padding:.6rem 0;cursor:pointer;font-size:.9375rem}
    summary:hover{color:var(--accent)}
    summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
    details[open]>summary{font-weight:600}
    details>:last-child{margin-bottom:1rem}
    .scroll{overflow-x:auto}
    table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;min-width:50%}
    th,td{padding:.4rem 1.25rem .4rem 0;text-align:left;vertical-align:top;
    border-bottom:1px solid var(--hair)}
    th{font-weight:600;color:var(--soft);font-size:.8125rem;white-space:nowrap}
    th:last-child,td:last-child{padding-right:0}
    .n{text-align:right;white-space:nowrap}
    .facts{display:grid;grid-template-columns:minmax(4.5rem,auto) minmax(0,1fr);gap:.55rem 1.25rem;
    margin:0;font-size:.875rem;align-content:start}
    dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
    .unit{color:var(--soft);font-weight:400}
    .sample{margin-bottom:1.25rem;border:1px solid var(--hair);border-radius:.6rem;
    background:var(--card);overflow:hidden}
    .text{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate;
    font-size:.9375rem}
    .prompt{padding:.8rem 1rem;border-bottom:1px solid var(--hair);font-weight:600}
    .answers{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(17rem,100%),1fr));gap:1px;
    background:var(--hair)}
    .answers>div{padding:.7rem 1rem .9rem;background:var(--card)}
    """

  private static let charts = """
    figure{margin:0 0 1rem;min-width:0}
    figcaption{display:flex;flex-wrap:wrap;align-items:baseline;gap:.1rem .5rem;margin-bottom:.55rem;
    font-size:.875rem;line-height:1.4}
    figcaption b{font-weight:600}
    .legend{display:flex;flex-wrap:wrap;align-items:center;gap:0 .9rem;margin-left:auto;
    color:var(--soft);font-size:.8125rem}
    .key{display:inline-flex;align-items:baseline;gap:.4rem;overflow-wrap:anywhere}
    td .key{white-space:nowrap}
    .key::before{content:"";flex:none;align-self:center;width:.95rem;height:.2rem;border-radius:.1rem;
    background:var(--c)}
    .key.dots::before{width:9px;height:9px;border-radius:50%}
    .key.checkpoint::before{width:.15rem;height:.75rem;background:var(--soft)}
    .key.restart::before{width:0;height:.85rem;border-radius:0;background:none;
    border-left:2px dashed var(--warn)}
    .grid{display:grid;gap:1.5rem 2rem;margin-top:1.75rem;
    grid-template-columns:repeat(auto-fit,minmax(min(18rem,100%),1fr))}
    .frame{display:grid;grid-template-columns:calc(var(--y) + .2rem) minmax(0,1fr);gap:0 .5rem;
    font-size:.75rem;line-height:1;color:var(--soft);font-variant-numeric:tabular-nums;
    padding-top:.4rem}
    .frame svg{grid-column:2;display:block;width:100%;height:8.5rem;overflow:visible}
    .large .frame svg{height:clamp(12rem,34vw,20rem)}
    .y{position:relative}
    .y span{position:absolute;right:0;transform:translateY(-50%);white-space:nowrap}
    .x{grid-column:2;position:relative;height:1.7rem}
    .x span{position:absolute;top:.55rem;transform:translateX(-50%);white-space:nowrap}
    .x .s{transform:none}.x .e{transform:translateX(-100%)}
    path{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round}
    path.grid{stroke:var(--hair);stroke-width:1}
    .line{stroke:var(--c);stroke-width:1.6}
    .line.faint{stroke-width:1;opacity:.32}
    .line.strong{stroke-width:2.2}
    .dot{stroke:var(--c);stroke-width:7;stroke-linecap:round}
    path.checkpoint{stroke:var(--soft);stroke-width:2}
    path.restart{stroke:var(--warn);stroke-width:1.5;stroke-dasharray:4 4}
    .bar{fill:var(--c1)}
    .band{fill:transparent}.band:hover{fill:var(--ink);fill-opacity:.07}
    .cell{fill:var(--c1)}
    .cell:hover,.bar:hover{stroke:var(--ink);stroke-width:1.5;vector-effect:non-scaling-stroke}
    .heat .frame svg{height:calc(var(--rows)*1.7rem);background:var(--card);overflow:hidden;
    border-radius:.25rem}
    .ramp{width:5rem;height:.6rem;border-radius:.15rem;margin:0 -.4rem;
    background:linear-gradient(to right,transparent,var(--c1))}
    .whisker{display:block;width:min(14rem,38vw);height:1.25rem;overflow:visible}
    """

  /// Light whatever the screen is, everything unfolded, nothing that scrolls. Breaks fall between
  /// sections; what is longer than a page breaks between drawings, rows or lines.
  private static let paper = """
    @media print{:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#444;--hair:#ccc;
    --accent:#1f5fbf;--c1:#1f5fbf;--c2:#c2410c;--c3:#15803d;--c4:#8b3fc4;--c5:#b8860b;--c6:#0e7490;
    --c7:#be185d;--c8:#64707d;--good:#15803d;--warn:#a16207;--bad:#b91c1c}
    @page{margin:15mm 14mm}
    body{font-size:10.5pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
    main,footer{max-width:none;padding:0}footer{padding-top:1.5rem}
    section{margin-top:1.6rem}
    section:not(:has(.grid,details)),figure,.tiles,.sample,table,tr,pre,dd,.unfinished{
    break-inside:avoid}
    h2,h3,.note,figcaption,summary,thead{break-after:avoid}
    p,pre,.text{orphans:3;widows:3}
    section:has(>.run),.run~.run{break-before:page}
    details::details-content{content-visibility:visible;height:auto}
    summary{list-style:none}summary::-webkit-details-marker{display:none}
    .scroll{overflow:visible}table{font-size:9pt}th,td{padding-top:.22rem;padding-bottom:.22rem}th{white-space:normal}
    td .key{white-space:normal}code{overflow-wrap:anywhere}
    .grid{grid-template-columns:1fr 1fr;gap:.6rem 1.75rem;margin-top:1rem}
    .frame svg{height:2.6cm}.large .frame svg{height:5.6cm}
    pre.long{columns:2;column-gap:2rem;line-height:1.35}pre.long code{font-size:7.5pt}}
    """
}
