/// The CSS of charts: variables for light, dark and print, and the rules that use them.
package enum ChartStyle {
    static let variables = """
        :root{--ink:#1f2933;--soft:#566270;--line:#e3e8ee;--axis:#9aa5b1;--card:#ffffff;--paper:#f6f7f9;--accent:#1f6f8b;--good:#1a7f4b;--bad:#b42318;--warn:#855808;\
        --c-control:#8793a1;--c-0:#43a08f;--c-1:#2f8ca0;--c-2:#2b6f9b;--c-3:#3b5697;--c-4:#6a4b9b;--c-5:#9a4a8b;--c-6:#c05a74}
        @media (prefers-color-scheme:dark){:root{--ink:#e6eaef;--soft:#9fabb8;--line:#2c3540;--axis:#5a6673;--card:#1a2028;--paper:#12161c;--accent:#6bbdd6;--good:#5cc98c;--bad:#f08a80;--warn:#e0b25c;\
        --c-control:#7e8a97;--c-0:#a5e3d8;--c-1:#5fc0c6;--c-2:#4a9fc4;--c-3:#6f8bd6;--c-4:#9c80d6;--c-5:#cb80bd;--c-6:#e58ca2}}
        @media print{:root{--ink:#000;--soft:#444;--line:#ddd;--axis:#888;--card:#fff;--paper:#fff;--accent:#1f6f8b;--good:#1a7f4b;--bad:#b42318;--warn:#855808;\
        --c-control:#8793a1;--c-0:#43a08f;--c-1:#2f8ca0;--c-2:#2b6f9b;--c-3:#3b5697;--c-4:#6a4b9b;--c-5:#9a4a8b;--c-6:#c05a74}}

        """

    static let rules = """
        .chart{display:block;width:100%;max-width:29rem;height:auto;font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-size:11.5px}
        .chart .label{fill:var(--soft)}.chart .name,.chart .value{fill:var(--ink)}.chart .name,.chart .value{paint-order:stroke;stroke:var(--card);stroke-width:3px;stroke-linejoin:round}.chart .value{font-variant-numeric:tabular-nums}
        .chart .grid{stroke:var(--line)}.chart .axis,.chart .tick{stroke:var(--axis)}.chart .reference{stroke:var(--ink);stroke-dasharray:4 3;opacity:.7}
        .chart .colour-control{--c:var(--c-control)}.chart .colour-0{--c:var(--c-0)}.chart .colour-1{--c:var(--c-1)}.chart .colour-2{--c:var(--c-2)}.chart .colour-3{--c:var(--c-3)}\
        .chart .colour-4{--c:var(--c-4)}.chart .colour-5{--c:var(--c-5)}.chart .colour-6{--c:var(--c-6)}
        .chart .key,.chart .bar{fill:var(--c)}.chart .area{fill:var(--c);stroke:var(--card);stroke-width:.75}.chart .band{fill:var(--c);opacity:.22}\
        .chart .series{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}.chart .point{fill:var(--c);stroke:var(--card);stroke-width:1}
        .chart .dashed{stroke-dasharray:6 4}\
        .chart .whisker{stroke:var(--ink);stroke-width:1.4}.chart .estimate{fill:var(--accent)}.chart .interval{stroke:var(--accent);stroke-width:2.5}\
        .chart .interval.doubtful{stroke-dasharray:5 3}.chart .estimate.doubtful{fill:var(--card);stroke:var(--accent);stroke-width:2}\
        .chart .beyond{fill:none;stroke:var(--accent);stroke-width:2}.chart .truth{fill:none;stroke:var(--bad);stroke-width:2}

        """

    /// What a page with charts puts into its `<style>`.
    package static let css = variables + rules
}
