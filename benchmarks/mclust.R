# Fits a mixture of Gaussians with mclust; `speed.py` runs this:
#
#   Rscript benchmarks/mclust.R points.csv 2 parameters.json
#
# Reads the columns x and y of a CSV file and writes weights, means and covariances as JSON. The
# covariances may take any shape (VVV), as in the other tools; by default mclust would try 14 kinds.

suppressPackageStartupMessages(library(mclust))

read_points <- function(path) {
  if (requireNamespace("data.table", quietly = TRUE)) {
    return(as.matrix(data.table::fread(path, select = c("x", "y"))))
  }
  as.matrix(read.csv(path)[, c("x", "y")])
}

json_list <- function(values) paste0("[", paste(values, collapse = ", "), "]")
json_numbers <- function(numbers) json_list(sprintf("%.17g", numbers))
json_matrix <- function(matrix) json_list(apply(matrix, 1, json_numbers))

write_parameters <- function(found, path) {
  weights <- json_numbers(found$pro)
  means <- json_matrix(t(found$mean))
  covariances <- json_list(apply(found$variance$sigma, 3, json_matrix))
  writeLines(sprintf(
    '{"weights": %s, "means": %s, "covariances": %s}', weights, means, covariances
  ), path)
}

arguments <- commandArgs(trailingOnly = TRUE)
set.seed(0)
fit <- Mclust(
  read_points(arguments[1]), G = as.integer(arguments[2]), modelNames = "VVV", verbose = FALSE
)
write_parameters(fit$parameters, arguments[3])
