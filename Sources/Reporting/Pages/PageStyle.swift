/// The CSS of all pages, inline: no fonts, no images, nothing from the network.
enum PageStyle {
    static let css =
        ChartStyle.css + """
            *{box-sizing:border-box}
            html{-webkit-text-size-adjust:100%}
            body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
            .wide{max-width:74rem;margin:0 auto;padding:0 1.25rem}
            .top{border-bottom:1px solid var(--line);background:var(--card)}
            .top .wide{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;padding-top:.8rem;padding-bottom:.8rem}
            .brand{font-weight:650;color:var(--ink);letter-spacing:.01em}
            .when,.meta,.note,.doubt,footer{color:var(--soft);font-size:.875rem}
            a{color:inherit;text-decoration:none}a:hover,a:focus-visible{text-decoration:underline;text-underline-offset:.2em}
            h1{font-size:1.6rem;line-height:1.2;font-weight:650;margin:1.75rem 0 1rem;overflow-wrap:anywhere}
            h2{font-size:1.15rem;line-height:1.3;font-weight:650;margin:0;overflow-wrap:anywhere}
            p{margin:.5rem 0;max-width:44rem;overflow-wrap:anywhere}
            .head{display:flex;flex-wrap:wrap;align-items:baseline;gap:.25rem .75rem}.head h1{margin-bottom:.25rem}
            .lead{color:var(--soft);margin-top:.15rem}
            .card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.25rem;margin:1.25rem 0}
            .status{font-size:.8125rem;font-weight:600;padding:.1rem .55rem;border-radius:99px;border:1px solid currentColor;color:var(--soft);white-space:nowrap}
            .status.live{color:var(--good)}.status.held{color:var(--warn)}
            .verdict{font-size:1.05rem;font-weight:600;margin:.75rem 0 0}.verdict.good{color:var(--good)}.verdict.bad{color:var(--bad)}
            .card>.verdict:first-child,.card>.figures:first-child{margin-top:0}.card>:last-child{margin-bottom:0}
            .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.9rem 1.5rem;margin:1rem 0 .25rem}
            .figures div{min-width:0}
            dt{color:var(--soft);font-size:.8125rem}
            dd{margin:0;font-size:1.45rem;line-height:1.25;font-weight:600;font-variant-numeric:tabular-nums}
            dd.doubt{font-size:.875rem;font-weight:400;line-height:1.4}
            .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:1.25rem 2rem;margin:1rem 0 .25rem}
            .flow{display:flex;flex-wrap:wrap;align-items:flex-start;gap:1.25rem 2rem;margin:1rem 0 .25rem}.flow>figure{flex:1 1 20rem;max-width:29rem}.flow>.scroll{flex:0 1 auto;max-width:100%;margin:0}
            figure{margin:0;min-width:0}figcaption{font-size:.875rem;font-weight:600;margin-bottom:.4rem}
            .scroll{overflow-x:auto;margin:.75rem 0}
            table{border-collapse:collapse;min-width:min(100%,29rem);font-size:.9375rem;font-variant-numeric:tabular-nums}
            th,td{padding:.4rem .75rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
            thead th{font-size:.8125rem;font-weight:600;color:var(--soft)}tbody th{font-weight:500;color:var(--ink)}th:first-child,td:first-child{padding-left:0}th:last-child,td:last-child{padding-right:0}th.n,td.n{padding-left:1.5rem}
            tbody tr:last-child>*{border-bottom:0}.n{text-align:right}
            .notice{background:var(--card);border:1px solid var(--warn);border-left-width:5px;border-radius:6px;padding:.6rem .9rem;max-width:none}
            .unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
            .skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.25rem .5rem}
            .answer{font-size:1.1rem;max-width:52rem}.answer:first-child{font-size:1.25rem;font-weight:600;line-height:1.35;margin-top:0}
            .mark{font-size:.8125rem;font-weight:600;padding:.1rem .55rem;border-radius:4px;border:1px solid currentColor;color:var(--ink);white-space:nowrap}
            .contents ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:1rem 0;padding:0;font-size:.9375rem}.contents a{text-decoration:underline;text-underline-offset:.2em}
            .contents li{overflow-wrap:anywhere;min-width:0}
            h3{font-size:1rem;line-height:1.3;font-weight:650;margin:0 0 .5rem;overflow-wrap:anywhere}
            .part{border-top:1px solid var(--line);margin-top:1.25rem;padding-top:1.25rem}
            .items{margin:.5rem 0;padding-left:1.25rem;max-width:52rem;overflow-wrap:anywhere}.items li{margin:.25rem 0}
            .words{margin:.75rem 0}.words div{display:grid;grid-template-columns:minmax(0,11rem) minmax(0,1fr);gap:.1rem 1rem;padding:.3rem 0;border-bottom:1px solid var(--line)}
            .words div:last-child{border-bottom:0}.words dt{font-weight:600;color:var(--ink);font-size:.9375rem;overflow-wrap:anywhere}
            .words dd{font-size:.9375rem;font-weight:400;line-height:1.5;overflow-wrap:anywhere;font-variant-numeric:normal}
            pre{margin:.75rem 0;padding:.75rem 1rem;background:var(--paper);border:1px solid var(--line);border-radius:6px;overflow-x:auto;font-size:.875rem}
            caption{text-align:left;font-size:.875rem;font-weight:600;padding:0 0 .35rem}
            summary{cursor:pointer;font-size:.9375rem;width:fit-content}details{margin:.5rem 0}
            :focus-visible{outline:2px solid var(--accent);outline-offset:2px}
            .empty{padding:2rem 0;color:var(--soft)}code{font:.9em ui-monospace,SFMono-Regular,Menlo,monospace}
            footer{padding-top:.5rem;padding-bottom:2.5rem}
            @media (max-width:30rem){.card{padding:1rem;margin:1rem -.5rem}.figures{grid-template-columns:1fr 1fr;gap:.8rem 1rem}dd{font-size:1.2rem}dd.doubt{font-size:.8125rem}\
            th,td{padding:.4rem .5rem}.top .wide{padding-left:1rem;padding-right:1rem}}
            @media (max-width:40rem){tbody th{white-space:normal;min-width:8rem}.words div{grid-template-columns:minmax(0,1fr)}}
            @media print{@page{margin:14mm}body{font-size:10pt}.wide{max-width:none;padding:0}.card{border:0;border-top:1px solid #bbb;border-radius:0;padding:.75rem 0 0;margin:1rem 0}.top{border:0}\
            .scroll{overflow:visible}table{min-width:0;font-size:8pt}th,td{white-space:normal;padding:.15rem .5rem}td.n{white-space:nowrap}thead,tbody tr:first-child,.card>p{break-after:avoid}.contents,.skip{display:none}figure,tr,.items li,.words div,pre{break-inside:avoid}\
            h1,h2,h3,caption,figcaption,.head{break-after:avoid}pre{white-space:pre-wrap;border-color:#bbb;font-size:7pt;padding:2mm}details::details-content{content-visibility:visible;display:block;block-size:auto}\
            .pair{grid-template-columns:1fr 1fr;gap:.75rem 1.5rem}.flow{display:block}.flow>figure{display:inline-block;vertical-align:top;width:84mm;margin:0 4mm 3mm 0}.flow>.scroll{margin-bottom:3mm}.answer:first-child{font-size:13pt}.answer{font-size:11pt}dd{font-size:13pt}}

            """
}
