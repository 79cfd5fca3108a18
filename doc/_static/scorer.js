// Order of search results: classes and functions first, logs last.
const MAIN = /^generated\/sklearn_msk\.(MSKRegressor|MSKRegressorCV)$/;
var Scorer = {
  score: ([docname, , , , score]) => {
    if (docname.startsWith("generated/")) score += MAIN.test(docname) ? 32 : 30;
    else if (docname === "changelog" || docname === "benchmarks") score -= 10;
    return score;
  },
  // The values of Sphinx.
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
