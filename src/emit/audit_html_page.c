/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The frame of the page: its style, its script, its policy; and the pieces that all parts use. */
#define _GNU_SOURCE
#include "audit_html_part.h"

#include <stdarg.h>
#include <string.h>

/* clang-format off: one rule a line */
static const char style[] =
	":root{color-scheme:light dark;--page:#f6f8fa;--card:#fff;--ink:#1b1f24;--dim:#57606a;--line:#d0d7de;--link:#0b5cad;\n"
	"--local:#1f6fb2;--local2:#4a94d0;--remote:#c2571a;--remote2:#e08a4c;--other:#9aa5b1;--track:#e6ebf0;--cpu:#6b4fa0;--cpu2:#9077c4;\n"
	"--high:#b3261e;--medium:#8f5a00;--low:#2b5f8f;--notice:#57606a;--code:#eef2f6}\n"
	"@media (prefers-color-scheme:dark){:root{--page:#0d1117;--card:#161b22;--ink:#e6edf3;--dim:#9aa5b1;--line:#30363d;--link:#79b8ff;\n"
	"--local:#2f81c7;--local2:#5aa5e6;--remote:#d9702e;--remote2:#f0a06a;--other:#6e7781;--track:#262c36;--cpu:#8a6fc4;--cpu2:#ab93dd;\n"
	"--high:#ff8a80;--medium:#f0b849;--low:#79b8ff;--notice:#9aa5b1;--code:#0d1117}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,'DejaVu Sans',sans-serif}\n"
	"header,main,footer{max-width:76rem;margin:0 auto;padding:0 1rem}\n"
	"h1{font-size:1.6rem;line-height:1.25;margin:1.5rem 0 .25rem}h2{font-size:1.2rem;margin:2rem 0 .5rem}\n"
	"h3{font-size:1rem;margin:0}h4{font-size:.9rem;margin:1rem 0 .25rem;color:var(--dim)}p{margin:.25rem 0}\n"
	"a{color:var(--link)}:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}\n"
	".skip{position:absolute;left:-100rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.5rem}\n"
	".dim{color:var(--dim)}.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
	".nodes{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(17rem,100%),1fr));gap:.75rem}\n"
	".card,details.vm{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.75rem 1rem;min-width:0}\n"
	".card ul{list-style:none;margin:.5rem 0 0;padding:0;font-size:.875rem}\n"
	".card li{display:flex;justify-content:space-between;gap:.75rem}.card li a{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}\n"
	".card li span{white-space:nowrap}.label{font-size:.8rem;color:var(--dim);margin-top:.4rem}\n"
	"svg.bar{display:block;width:100%;height:14px;border-radius:3px;background:var(--track)}svg.thin{height:6px;min-width:3.5rem}\n"
	".local{fill:var(--local)}.local.odd{fill:var(--local2)}.remote{fill:var(--remote)}.remote.odd{fill:var(--remote2)}\n"
	".other{fill:var(--other)}.cpu{fill:var(--cpu)}.cpu.odd{fill:var(--cpu2)}\n"
	".legend{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;font-size:.8rem;color:var(--dim);margin:.25rem 0 .75rem;padding:0;list-style:none}\n"
	".legend svg{width:.8rem;height:.8rem;margin-right:.4rem;vertical-align:-1px}.empty{fill:var(--track)}\n"
	".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.875rem}caption{text-align:left;color:var(--dim)}\n"
	"th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}\n"
	"th{color:var(--dim);font-weight:600;white-space:nowrap}th.num{text-align:right}#list{background:var(--card)}\n"
	"th button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}\n"
	"th[aria-sort=ascending] button::after{content:' \\25b2'}th[aria-sort=descending] button::after{content:' \\25bc'}\n"
	".name{font-weight:600;overflow-wrap:anywhere}#list .name{min-width:7rem}.remoteink{color:var(--remote);font-weight:600}.mem{min-width:6rem}\n"
	".badge{display:inline-block;font-size:.75rem;font-weight:600;border:1px solid currentColor;border-radius:1rem;padding:0 .5rem;white-space:nowrap}\n"
	".high{color:var(--high)}.medium{color:var(--medium)}.low{color:var(--low)}.notice{color:var(--notice)}\n"
	"details.vm{margin:.75rem 0}summary{cursor:pointer}details.vm>summary{display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:baseline}\n"
	"details.vm>summary::before{content:'\\25b8';color:var(--dim)}details.vm[open]>summary::before{content:'\\25be'}\n"
	"summary h3{overflow-wrap:anywhere;max-width:calc(100% - 1.75rem)}#list code{white-space:nowrap}.facts{display:flex;flex-wrap:wrap;gap:.15rem 1.5rem;margin:.5rem 0;padding:0;list-style:none;font-size:.875rem}\n"
	".facts li{overflow-wrap:anywhere}.facts b{font-weight:400;color:var(--dim)}\n"
	".findings{list-style:none;margin:.5rem 0;padding:0}.findings>li{border-left:3px solid var(--line);padding:.1rem 0 .1rem .75rem;margin:.6rem 0}\n"
	".findings p{overflow-wrap:anywhere}.findings code.id{font-weight:600}\n"
	".cmd{display:flex;gap:.5rem;align-items:flex-start;margin:.3rem 0}.cmd pre{flex:1;min-width:0;margin:0;padding:.4rem .6rem;\n"
	"background:var(--code);border:1px solid var(--line);border-radius:5px;font:.8125rem/1.45 ui-monospace,'DejaVu Sans Mono',monospace;\n"
	"white-space:pre-wrap;overflow-wrap:anywhere;user-select:all}\n"
	"button.copy,.tools input{font:inherit;font-size:.8125rem;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:5px;padding:.3rem .6rem}\n"
	"button.copy{cursor:pointer}.tools{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;margin:.5rem 0}.tools[hidden],tr[hidden]{display:none}\n"
	"figure{margin:.5rem 0}figure img{max-width:100%;height:auto;border-radius:8px}footer{margin:2rem auto 1.5rem;font-size:.8125rem;color:var(--dim)}\n"
	"@media (max-width:40rem){.wide{display:none}th,td{padding:.3rem .35rem}h1{font-size:1.3rem}#list .name{min-width:5rem}}\n"
	"@media print{:root{color-scheme:light;font-size:10px}body{background:#fff;font-size:10px}.scroll{overflow:visible}header,main,footer{padding:0 2px}h4{break-after:avoid}.tools,.skip,button.copy{display:none}\n"
	"svg,.badge{print-color-adjust:exact;-webkit-print-color-adjust:exact}.card,.findings>li,tr{break-inside:avoid}\n"
	"details.vm::details-content{content-visibility:visible;display:block;height:auto}}\n";

/* Whoever changes it puts its new hash below: tests/audit_forms.t tells which. */
static const char script[] =
	"/*<![CDATA[*/(function(){'use strict';\n"
	"var list=document.getElementById('list');\n"
	"function each(s,f){Array.prototype.forEach.call(document.querySelectorAll(s),f);}\n"
	"function open(){var t=location.hash.length>1&&document.getElementById(location.hash.slice(1));\n"
	"if(t&&t.tagName.toLowerCase()==='details'){t.open=true;t.scrollIntoView();}}\n"
	"window.addEventListener('hashchange',open);open();\n"
	"each('a[href^=\"#vm-\"]',function(a){a.addEventListener('click',function(){setTimeout(open,0);});});\n"
	"window.addEventListener('beforeprint',function(){each('details.vm',function(d){d.open=true;});});\n"
	"each('.cmd',function(c){var b=document.createElement('button'),p=c.querySelector('pre');b.type='button';b.className='copy';b.textContent='Copy';\n"
	"b.setAttribute('aria-label','Copy the command '+p.textContent);\n"
	"b.addEventListener('click',function(){var r=document.createRange(),s=window.getSelection();r.selectNodeContents(p);s.removeAllRanges();s.addRange(r);\n"
	"var ok=function(){b.textContent='Copied';setTimeout(function(){b.textContent='Copy';},1500);};\n"
	"if(navigator.clipboard&&window.isSecureContext)navigator.clipboard.writeText(p.textContent).then(ok,function(){});\n"
	"else if(document.execCommand('copy'))ok();});c.appendChild(b);});\n"
	"if(!list)return;var body=list.tBodies[0],filter=document.getElementById('filter'),only=document.getElementById('only'),count=document.getElementById('count');\n"
	"document.getElementById('tools').hidden=false;\n"
	"function show(){var w=filter.value.toLowerCase(),n=0;Array.prototype.forEach.call(body.rows,function(r){\n"
	"var hide=r.textContent.toLowerCase().indexOf(w)===-1||(only.checked&&r.getAttribute('data-n')==='0');r.hidden=hide;\n"
	"var d=document.getElementById(r.getAttribute('data-vm'));if(d)d.hidden=hide;if(!hide)n++;});\n"
	"count.textContent=n+' of '+body.rows.length+' VMs';}\n"
	"filter.addEventListener('input',show);only.addEventListener('change',show);show();\n"
	"Array.prototype.forEach.call(list.tHead.rows[0].cells,function(th,i){var b=document.createElement('button');b.type='button';b.textContent=th.textContent;\n"
	"th.textContent='';th.appendChild(b);b.addEventListener('click',function(){var up=th.getAttribute('aria-sort')==='descending';\n"
	"Array.prototype.forEach.call(list.tHead.rows[0].cells,function(o){o.removeAttribute('aria-sort');});th.setAttribute('aria-sort',up?'ascending':'descending');\n"
	"var rows=Array.prototype.slice.call(body.rows);rows.sort(function(a,c){var x=a.cells[i].getAttribute('data-v'),y=c.cells[i].getAttribute('data-v'),k;\n"
	"if(x===null)k=a.cells[i].textContent.localeCompare(c.cells[i].textContent);else if(x===''||y==='')return (x===''?1:0)-(y===''?1:0);else k=x-y;\n"
	"return up?k:-k;});rows.forEach(function(r){body.appendChild(r);});});});\n"
	"})();/*]]>*/";
/* clang-format on */

static const char script_hash[] = "sha256-IlFTjYDf0vWp26GTEeOjjRJuI5Lo2/B0f9286DkHHH4=";

void vn_page_begin(const struct vn_page *page, const char *title)
{
	fprintf(page->out,
		"<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
		"<meta charset=\"utf-8\"/>\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
		"'unsafe-inline'; script-src '%s'; img-src data:; base-uri 'none'; form-action 'none'\"/>\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		"<meta name=\"color-scheme\" content=\"light dark\"/>\n"
		"<meta name=\"generator\" content=\"vnuma " VN_VERSION "\"/>\n<title>",
		script_hash);
	vn_page_text(page, title);
	fprintf(page->out, "</title>\n<style>/*<![CDATA[*/\n%s/*]]>*/</style>\n</head>\n<body>\n", style);
}

void vn_page_end(const struct vn_page *page)
{
	fprintf(page->out, "<script>%s</script>\n</body>\n</html>\n", script);
}

void vn_page_text(const struct vn_page *page, const char *text)
{
	vn_xml_escape(text, SIZE_MAX, page->out);
}

void vn_page_textf(const struct vn_page *page, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vn_autofree char *text = vn_format_list(format, args);
	va_end(args);
	vn_page_text(page, text ? text : "?");
}

void vn_page_bar_begin(const struct vn_page *page, const char *class, const char *label)
{
	fprintf(page->out,
		"<svg class=\"%s\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"img\" "
		"xmlns=\"http://www.w3.org/2000/svg\" aria-label=\"",
		class);
	vn_page_text(page, label);
	fputs("\">", page->out);
}

/* What there is at all can be seen; 1000 units are at least 60 pixels, and of a screen some 1000. */
#define LEAST_UNITS 3.0

double vn_page_bar_piece(
	const struct vn_page *page, double at, double units, const char *class, const char *title)
{
	if (units <= 0 || at >= 1000)
		return at;
	units = units < LEAST_UNITS ? LEAST_UNITS : units;
	units = at + units > 1000 ? 1000 - at : units;
	fprintf(page->out, "<rect x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"10\" class=\"%s\"><title>", at,
		units, class);
	vn_page_text(page, title);
	fputs("</title></rect>", page->out);
	return at + units;
}

void vn_page_bar_end(const struct vn_page *page)
{
	fputs("</svg>\n", page->out);
}

void vn_page_vm_id(const struct vn_page *page, const struct vn_vm_sample *vm)
{
	fprintf(page->out, "vm-%d", (int)vm->process.pid);
}

void vn_page_findings(const struct vn_page *page, const struct vn_findings *findings)
{
	fputs("<ul class=\"findings\">\n", page->out);
	for (size_t i = 0; i < findings->n; i++) {
		const struct vn_finding *finding = &findings->v[i];
		const char *severity = vn_severity_name(finding->severity);
		fprintf(page->out, "<li><span class=\"badge %s\">%s</span> <code class=\"id\">", severity,
			severity);
		vn_page_text(page, finding->code);
		fputs("</code>", page->out);
		if (finding->cost >= 0.005)
			fprintf(page->out, " <span class=\"dim\">costs %.2f CPUs</span>", finding->cost);
		fputs("<p>", page->out);
		vn_page_text(page, finding->text ? finding->text : "");
		fputs("</p>", page->out);
		if (finding->fix) {
			fputs("<div class=\"cmd\"><pre tabindex=\"0\">", page->out);
			vn_page_text(page, finding->fix);
			fputs("</pre></div>", page->out);
		}
		fputs("</li>\n", page->out);
	}
	fputs("</ul>\n", page->out);
}
