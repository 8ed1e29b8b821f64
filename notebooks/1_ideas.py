# %% [markdown] lang="en"
# # Softmax regression, section by section
#
# Nine sections, which follow a course's lecture notes ("the notes") and the book *Dive into Deep Learning*, run with this project's own functions: `scratch` is the twin written by hand, `concise` the one written with the library, `d2l` what both share. Most sections go the same way: look, write the formula, work out one number by hand, let both twins say it, draw it. Three little pictures of four pixels are the example from section 2 to section 7.
#
# The two files to keep open beside this one: [scratch/softmax_regression.py](../scratch/softmax_regression.py) and [concise/softmax_regression.py](../concise/softmax_regression.py). `make notebook` runs every cell again from a clean kernel; `make exercises` lays the exercises out as files, and `make check` says which of yours are right.

# %% [markdown] lang="zh"
# # Softmax 回归，逐节运行
#
# 九节内容，依照一份课程笔记（下称“笔记”）和《动手学深度学习》一书，全部用本项目自己的函数运行：`scratch` 是从零手写的版本，`concise` 是用框架高级 API 写的版本，`d2l` 是两者共用的部分。各节大多按同样的顺序展开：先看，再写公式，动手算出一个数，让两个版本各算一遍，最后画成图。从第 2 节到第 7 节，一直用三幅只有四个像素的小图作例子。
#
# 建议同时打开这两个文件：[scratch/softmax_regression.py](../scratch/softmax_regression.py) 和 [concise/softmax_regression.py](../concise/softmax_regression.py)。`make notebook` 会在全新的内核里把每个单元重新运行一遍；`make exercises` 把练习生成为文件，`make check` 告诉你哪些做对了。

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 110, "bbox_inches": "tight"}
import itertools

import numpy as np
import torch
from torch import nn

import concise
import d2l_softmax as d2l
import scratch
from d2l_softmax.figures.style import (
    GRAY,
    draw_tile,
    new_figure,
    new_tiles,
    shortened,
    signed_colors,
)

torch.manual_seed(0)
torch.set_printoptions(precision=4, sci_mode=False)
np.set_printoptions(precision=4, suppress=True, floatmode="fixed")

# %% [markdown] lang="en"
# ## 1. Regression and classification
#
# Regression estimates a value: how much, how many. Classification predicts a category: which one. First look at both with a single input $x$.

# %% [markdown] lang="zh"
# ## 1. 回归与分类
#
# 回归估计一个连续值：多少钱、多少个。分类预测一个类别：是哪一个。先看只有一个输入 $x$ 的情形。

# %%
x = torch.linspace(-3, 3, 61)
values = 0.8 * x + 0.5 + torch.normal(0, 0.5, x.shape)
scores = torch.stack([-x, 0.2 * x + 1, x])

figure, (left, right) = new_figure(8, 2.8, columns=2)
left.plot(x, values, ".", color="gray")
left.plot(x, 0.8 * x + 0.5)
left.set(title="regression: one output", xlabel="x", ylabel="a value")
right.plot(x, scores.amax(dim=0), color="gold", linewidth=7, alpha=0.6, label="the largest")
for k, score in enumerate(scores):
    right.plot(x, score, label=f"class {k}")
right.set(title="classification: an output for each class", xlabel="x", ylabel="a score")
right.legend(loc="center left", bbox_to_anchor=(1, 0.5))
figure

# %% [markdown] lang="en"
# *What one sees:* on the left one line follows the values; on the right there are three lines, and the uppermost says the class: 0 on the left, 1 in the middle, 2 on the right.
#
# So classification with several classes is regression with several outputs: one score for each class, and the largest is the prediction,
#
# $$\hat{y} = \mathbf{x}^\top \mathbf{w} + b, \qquad \mathbf{o} = \mathbf{x}^\top \mathbf{W} + \mathbf{b}, \qquad \operatorname{argmax}_j o_j.$$
#
# By hand, with the features $\mathbf{x} = [1, 0, 2, 1]$, the weights $\mathbf{w} = [1, 2, 0, -1]$ and $b = 0.5$: $\hat{y} = 1 \cdot 1 + 0 \cdot 2 + 2 \cdot 0 + 1 \cdot (-1) + 0.5 = 0.5$. With three columns of weights instead of one there are three such sums.

# %% [markdown] lang="zh"
# *图中可见*：左边一条直线顺着数据走；右边有三条直线，最上面的那条就是预测的类别：左侧为 0，中间为 1，右侧为 2。
#
# 所以多类分类就是有多个输出的回归：每个类别一个分数，分数最大的就是预测：
#
# $$\hat{y} = \mathbf{x}^\top \mathbf{w} + b, \qquad \mathbf{o} = \mathbf{x}^\top \mathbf{W} + \mathbf{b}, \qquad \operatorname{argmax}_j o_j.$$
#
# 动手算一下：特征 $\mathbf{x} = [1, 0, 2, 1]$，权重 $\mathbf{w} = [1, 2, 0, -1]$，偏置 $b = 0.5$，则 $\hat{y} = 1 \cdot 1 + 0 \cdot 2 + 2 \cdot 0 + 1 \cdot (-1) + 0.5 = 0.5$。把一列权重换成三列，就有三个这样的和。

# %%
x = torch.tensor([[1.0, 0.0, 2.0, 1.0]])
print("regression:    ", d2l.linreg(x, torch.tensor([[1.0], [2.0], [0.0], [-1.0]]), 0.5))

x = torch.normal(0, 1, (2, 4))  # two examples of four features
scores = d2l.linreg(x, torch.normal(0, 1, (4, 3)), torch.zeros(3))  # three outputs each
print("classification:", scores, "largest:", scores.argmax(dim=1))

# %% [markdown] lang="en"
# **Question.** On the right, add 100 to all three lines. What becomes of the prediction? <details><summary>Answer</summary>Nothing: the uppermost line stays the uppermost. Only differences between the scores count, which section 2 takes up again.</details>

# %% [markdown] lang="zh"
# **思考**：在右图里，给三条直线都加上 100，预测会怎样？<details><summary>答案</summary>不变：最上面的那条还是在最上面。起作用的只有分数之差，第 2 节还会讲到。</details>

# %% [markdown] exercises=1
# (the exercises of section 1)

# %% [markdown] lang="en"
# ## 2. Linear outputs, softmax, argmax
#
# Here are three pictures of 2 × 2 pixels, from 0 (black) to 1 (white), of three classes: bright at the *top* (class 0), bright at the *left* (class 1), bright on the *diagonal* (class 2). And weights of simple numbers, a 2 × 2 template for each class.

# %% [markdown] lang="zh"
# ## 2. 线性输出、softmax 与 argmax
#
# 这里有三幅 2 × 2 像素的小图，像素值从 0（黑）到 1（白），分属三个类别：*上边*亮（类别 0）、*左边*亮（类别 1）、*对角线*亮（类别 2）。权重取简单的数，每个类别一个 2 × 2 的模板。

# %%
X = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 0], [0.5, 0, 0, 1]], dtype=torch.float64)  # (n, d)
y = torch.tensor([0, 1, 2])  # (n,)
W = torch.tensor([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 1]], dtype=torch.float64)  # (d, q)
b = torch.zeros(3, dtype=torch.float64)  # (q,)


def draw_matrix(axes, matrix, title, brightest=1, cmap="gray", color="red"):
    """Draw a matrix as squares with its numbers, from 0 to the brightest."""
    axes.imshow(matrix, cmap=cmap, vmin=0, vmax=brightest)
    for (row, column), value in np.ndenumerate(matrix):
        style = {"color": color, "weight": "bold", "ha": "center", "va": "center"}
        axes.text(column, row, f"{value:.2g}", **style)
    axes.set_title(title, fontsize="medium")
    axes.set(xticks=[], yticks=[])


figure, all_axes = new_figure(8, 1.6, columns=6)
for k, axes in enumerate(all_axes):
    if k < 3:
        draw_matrix(axes, X[k].reshape(2, 2), f"image {k}")
    else:
        draw_matrix(axes, W[:, k - 3].reshape(2, 2), f"weights of {k - 3}")
figure

# %% [markdown] lang="en"
# *What one sees:* image 0 is just like the weights of class 0. Image 2 looks more like the weights of class 1 than like its own, and image 1 has one bright pixel in common with those of each class.
#
# Each image is flattened to a row, and all outputs are one product of matrices, $\mathbf{O} = \mathbf{X}\mathbf{W} + \mathbf{b}$. They are called *logits*. With $\mathbf{b} = \mathbf{0}$:
#
# $$\mathbf{X} = \begin{bmatrix} 1 & 1 & 0 & 0 \\ 1 & 0 & 1 & 0 \\ 0.5 & 0 & 0 & 1 \end{bmatrix}, \quad \mathbf{W} = \begin{bmatrix} 1 & 1 & 0 \\ 1 & 0 & 0 \\ 0 & 0 & 1 \\ 0 & 1 & 1 \end{bmatrix}, \quad \mathbf{O} = \begin{bmatrix} 2 & 1 & 0 \\ 1 & 1 & 1 \\ 0.5 & 1.5 & 1 \end{bmatrix}.$$
#
# One of them by hand, image 2 and class 1: $0.5 \cdot 1 + 0 \cdot 0 + 0 \cdot 0 + 1 \cdot 1 = 1.5$.

# %% [markdown] lang="zh"
# *图中可见*：图像 0 和类别 0 的权重一模一样。图像 2 更像类别 1 的权重，而不像自己那一类的；图像 1 和每个类别的权重都恰好有一个共同的亮像素。
#
# 把每幅图像展平成一行，全部输出就是一个矩阵乘法 $\mathbf{O} = \mathbf{X}\mathbf{W} + \mathbf{b}$，称为*未规范化的预测*（logits）。取 $\mathbf{b} = \mathbf{0}$：
#
# $$\mathbf{X} = \begin{bmatrix} 1 & 1 & 0 & 0 \\ 1 & 0 & 1 & 0 \\ 0.5 & 0 & 0 & 1 \end{bmatrix}, \quad \mathbf{W} = \begin{bmatrix} 1 & 1 & 0 \\ 1 & 0 & 0 \\ 0 & 0 & 1 \\ 0 & 1 & 1 \end{bmatrix}, \quad \mathbf{O} = \begin{bmatrix} 2 & 1 & 0 \\ 1 & 1 & 1 \\ 0.5 & 1.5 & 1 \end{bmatrix}.$$
#
# 动手算其中一个，图像 2、类别 1：$0.5 \cdot 1 + 0 \cdot 0 + 0 \cdot 0 + 1 \cdot 1 = 1.5$。


# %%
def with_weights(twin, W, b):
    """Return a twin's model with these weights and biases."""
    model = twin.SoftmaxRegression(*W.shape, dtype=W.dtype)
    with torch.no_grad():
        model.W.copy_(W)
        model.b.copy_(b)
    return model


def compare(in_the_text, by_hand, by_library):
    """Print what both twins say; stop unless it is what the text says, to its last digit."""
    for name, result in (("scratch", by_hand), ("concise", by_library)):
        result = result.detach()
        print(f"{name}:", result.numpy().round(4), sep="\n" if result.dim() > 1 else " ")
        expected = torch.tensor(in_the_text, dtype=result.dtype)
        torch.testing.assert_close(result, expected, rtol=0, atol=0.51e-4)


hand_model, library_model = (with_weights(twin, W, b) for twin in (scratch, concise))
O = X @ W + b  # (n, d) @ (d, q) + (q,) -> (n, q)
compare([[2, 1, 0], [1, 1, 1], [0.5, 1.5, 1]], O, library_model(X))

# %% [markdown] lang="en"
# Logits may be negative and have any sum. *Softmax* makes probabilities of each row: take $\exp$, so that all are positive, and divide by the sum of the row, so that they sum to 1,
#
# $$\hat{y}_j = \frac{\exp(o_j)}{\sum_k \exp(o_k)}.$$
#
# By hand for image 0: $e^2 = 7.3891$, $e^1 = 2.7183$, $e^0 = 1$ have the sum $11.1073$, and $7.3891 / 11.1073 = 0.6652$. All three images:
#
# $$\hat{\mathbf{Y}} = \begin{bmatrix} 0.6652 & 0.2447 & 0.0900 \\ 0.3333 & 0.3333 & 0.3333 \\ 0.1863 & 0.5065 & 0.3072 \end{bmatrix}.$$

# %% [markdown] lang="zh"
# logits 可以是负数，总和也没有限制。*softmax* 把每一行变成概率：先取 $\exp$，使每个数都为正；再除以这一行的总和，使它们加起来等于 1：
#
# $$\hat{y}_j = \frac{\exp(o_j)}{\sum_k \exp(o_k)}.$$
#
# 动手算图像 0：$e^2 = 7.3891$、$e^1 = 2.7183$、$e^0 = 1$，总和为 $11.1073$，而 $7.3891 / 11.1073 = 0.6652$。三幅图像合在一起：
#
# $$\hat{\mathbf{Y}} = \begin{bmatrix} 0.6652 & 0.2447 & 0.0900 \\ 0.3333 & 0.3333 & 0.3333 \\ 0.1863 & 0.5065 & 0.3072 \end{bmatrix}.$$

# %%
y_hat = hand_model(X)
compare(
    [[0.6652, 0.2447, 0.0900], [0.3333, 0.3333, 0.3333], [0.1863, 0.5065, 0.3072]],
    y_hat,
    library_model.probabilities(X),
)
print("predicted:", y_hat.argmax(dim=1).numpy(), "true:", y.numpy())

# %% [markdown] lang="en"
# Image 0 is right, image 1 is undecided (the first of equal ones wins), image 2 is taken for class 1.
#
# Softmax keeps the order of the logits: the largest stays the largest. For the prediction alone one does not need it.

# %% [markdown] lang="zh"
# 图像 0 预测正确，图像 1 拿不定主意（相等时取第一个），图像 2 被当成了类别 1。
#
# softmax 保持 logits 的大小次序：最大的仍然最大。如果只要预测的类别，就不需要做 softmax。

# %%
figure, all_axes = new_figure(8, 2.4, columns=3)
steps = {"logits": O[2], "exp": O[2].exp(), "divided by the sum": y_hat[2]}
for axes, (title, heights) in zip(all_axes, steps.items(), strict=True):
    bars = axes.bar(["0", "1", "2"], heights, color=["lightsteelblue", "tab:blue", "steelblue"])
    axes.bar_label(bars, fmt="%.2f")
    axes.set(title=title, xlabel="class")
    axes.margins(y=0.2)
figure

# %% [markdown] lang="en"
# *What one sees:* the three logits of image 2 on their way to probabilities: the order stays, the differences grow.
#
# **Only differences matter.** Add 100 to all logits: $\exp(o_j + 100) = e^{100} \exp(o_j)$, and $e^{100}$ is in the numerator and in each term below. It cancels, and nothing changes. (Section 6 shows what a computer makes of it.)

# %% [markdown] lang="zh"
# *图中可见*：图像 2 的三个 logits 怎样一步步变成概率：次序不变，差距拉大。
#
# **只有差才起作用**：给所有 logits 都加上 100：$\exp(o_j + 100) = e^{100} \exp(o_j)$，分子和分母的每一项里都有 $e^{100}$，约掉之后什么也没变。（计算机会怎样对待它，见第 6 节。）

# %%
compare(y_hat.tolist(), scratch.softmax(O + 100), concise.softmax(O + 100))

# %% [markdown] lang="en"
# **The size of the differences is the confidence.** Divide all logits by a *temperature* $T$ first, $\operatorname{softmax}(\mathbf{o} / T)$: the order stays, the probabilities move.

# %% [markdown] lang="zh"
# **差的大小就是把握的大小**。先把所有 logits 都除以*温度* $T$，即 $\operatorname{softmax}(\mathbf{o} / T)$：次序不变，概率会变。

# %%
o = torch.tensor([[1.0, -1.0, 3.0, 0.5]])
figure, all_axes = new_figure(9, 2.4, columns=4, sharey=True)
for T, axes in zip([0.5, 1, 2, 10], all_axes, strict=True):
    bars = axes.bar(["0", "1", "2", "3"], scratch.softmax(o / T)[0], color="tab:blue")
    axes.bar_label(bars, fmt="%.2f", fontsize=8)
    axes.set(title=f"T = {T:g}", xlabel="class", ylim=(0, 1.1))
all_axes[0].set_ylabel("probability")
figure

# %% [markdown] lang="en"
# *What one sees:* cold ($T = 0.5$) means sure, hot ($T = 10$) means undecided. Near $T = 0$ softmax becomes argmax, at a very high temperature every class gets the same.
#
# **Two classes.** Divide numerator and denominator by $\exp(o_1)$: $\hat{y}_1 = \frac{\exp(o_1)}{\exp(o_0) + \exp(o_1)} = \frac{1}{1 + \exp(-(o_1 - o_0))}$. That is the sigmoid of the difference.

# %% [markdown] lang="zh"
# *图中可见*：温度低（$T = 0.5$）就是有把握，温度高（$T = 10$）就是拿不定主意。$T = 0$ 附近 softmax 变成 argmax，温度极高时各个类别的概率都相同。
#
# **只有两个类别时**，分子和分母同除以 $\exp(o_1)$：$\hat{y}_1 = \frac{\exp(o_1)}{\exp(o_0) + \exp(o_1)} = \frac{1}{1 + \exp(-(o_1 - o_0))}$，这正是差的 sigmoid。

# %%
z = torch.linspace(-6, 6, 121)
two = scratch.softmax(torch.stack([torch.zeros_like(z), z], dim=1))
figure, (axes,) = new_figure(5, 2.6)
axes.plot(z, two[:, 1], linewidth=5, alpha=0.4, label="softmax of (0, z), second entry")
axes.plot(z, torch.sigmoid(z), "k--", linewidth=1, label="sigmoid of z")
axes.set(xlabel="z, the difference of two logits", ylabel="probability")
axes.legend(loc="lower right")
axes.grid(alpha=0.3)
figure

# %% [markdown] lang="en"
# *What one sees:* one curve, drawn twice. Logistic regression is softmax regression with two classes.
#
# **Question.** A model says 0.99. Does that mean it is right in 99 of 100 cases? <details><summary>Answer</summary>Not by itself: all logits times 2 give the same predictions with more confidence. Whether the numbers can be trusted has to be measured; section 7 draws it.</details>

# %% [markdown] lang="zh"
# *图中可见*：同一条曲线画了两遍。logistic 回归就是两个类别的 softmax 回归。
#
# **思考**：模型给出 0.99，是不是说 100 次里有 99 次是对的？<details><summary>答案</summary>光凭这个数不能这么说：所有 logits 乘以 2，预测不变，把握却更大了。这些数字可不可信，要用数据来检验，第 7 节会画出来。</details>

# %% [markdown] exercises=2
# (the exercises of section 2)

# %% [markdown] lang="en"
# ## 3. Cross-entropy
#
# How bad is a prediction? Write the label as a *one-hot* row: 1 at the true class, 0 elsewhere. The cross-entropy of label and prediction is a sum over the classes, of which one term is left, that of the true class $c$:
#
# $$l(\mathbf{y}, \hat{\mathbf{y}}) = -\sum_j y_j \log \hat{y}_j = -\log \hat{y}_c.$$
#
# By hand, the three images gave $0.6652$, $0.3333$ and $0.3072$ to their true classes: $-\log 0.6652 = 0.4076$, $-\log 0.3333 = 1.0986$, $-\log 0.3072 = 1.1803$. Their mean, the loss of the batch, is $0.8955$ (in *nats*, as the logarithm is the natural one).

# %% [markdown] lang="zh"
# ## 3. 交叉熵
#
# 一个预测有多糟？把标签写成*独热编码*：真实类别处为 1，其余为 0。标签与预测的交叉熵是对所有类别求和，但只剩下真实类别 $c$ 的那一项：
#
# $$l(\mathbf{y}, \hat{\mathbf{y}}) = -\sum_j y_j \log \hat{y}_j = -\log \hat{y}_c.$$
#
# 动手算：三幅图像给各自真实类别的概率是 $0.6652$、$0.3333$ 和 $0.3072$，于是 $-\log 0.6652 = 0.4076$，$-\log 0.3333 = 1.0986$，$-\log 0.3072 = 1.1803$。它们的平均值就是这个小批量的损失：$0.8955$（用的是自然对数，所以单位是*纳特*）。

# %%
one_hot = nn.functional.one_hot(y, 3).double()
print("sum over the classes:", -(one_hot * torch.log(y_hat)).sum(dim=1).numpy())
print("picked by index:     ", -torch.log(y_hat[range(3), y]).numpy())
compare(
    [0.4076, 1.0986, 1.1803],
    scratch.cross_entropy(y_hat, y, reduction="none"),  # takes probabilities
    concise.cross_entropy(O, y, reduction="none"),  # takes logits: softmax is built in
)
compare(0.8955, scratch.cross_entropy(y_hat, y), concise.cross_entropy(O, y))

# %%
p = torch.linspace(0.01, 1, 100)
picked = y_hat[range(3), y]
figure, (axes,) = new_figure(5, 2.8)
axes.plot(p, -torch.log(p))
axes.plot(picked, -torch.log(picked), "o", color="tab:red")
for k, probability in enumerate(picked):
    height = -torch.log(probability) + (0.15, 0.15, -0.5)[k]
    axes.text(probability + (0.01, 0.02, -0.16)[k], height, f"image {k}")
axes.set(xlabel="probability of the true class", ylabel="loss (nats)")
axes.grid(alpha=0.3)
figure

# %% [markdown] lang="en"
# *What one sees:* sure and right costs nothing; halving the probability costs $\log 2 = 0.69$ every time; sure and wrong costs without limit.
#
# **The gradient.** Write the loss with the logits: $-\log \hat{y}_c = \log \sum_k \exp(o_k) - o_c$. Differentiate by $o_j$. The first term gives $\exp(o_j) / \sum_k \exp(o_k)$, which is softmax again; the second gives 1 if $j = c$ and otherwise 0, which is $y_j$:
#
# $$\frac{\partial l}{\partial o_j} = \frac{\exp(o_j)}{\sum_k \exp(o_k)} - y_j = \hat{y}_j - y_j.$$
#
# What was predicted minus what was true; no more. For the three images:
#
# $$\hat{\mathbf{Y}} - \mathbf{Y} = \begin{bmatrix} -0.3348 & 0.2447 & 0.0900 \\ 0.3333 & -0.6667 & 0.3333 \\ 0.1863 & 0.5065 & -0.6928 \end{bmatrix}.$$

# %% [markdown] lang="zh"
# *图中可见*：有把握而且正确，不付代价；概率每减半一次，损失就增加 $\log 2 = 0.69$；有把握却错了，代价没有上限。
#
# **梯度**：把损失用 logits 写出来：$-\log \hat{y}_c = \log \sum_k \exp(o_k) - o_c$，再对 $o_j$ 求导。第一项得到 $\exp(o_j) / \sum_k \exp(o_k)$，又是 softmax；第二项在 $j = c$ 时为 1，否则为 0，也就是 $y_j$：
#
# $$\frac{\partial l}{\partial o_j} = \frac{\exp(o_j)}{\sum_k \exp(o_k)} - y_j = \hat{y}_j - y_j.$$
#
# 预测减去真实，仅此而已。三幅图像的结果是：
#
# $$\hat{\mathbf{Y}} - \mathbf{Y} = \begin{bmatrix} -0.3348 & 0.2447 & 0.0900 \\ 0.3333 & -0.6667 & 0.3333 \\ 0.1863 & 0.5065 & -0.6928 \end{bmatrix}.$$

# %%
error = y_hat - one_hot
logits = O.clone().requires_grad_()
(by_autograd,) = torch.autograd.grad(concise.cross_entropy(logits, y, reduction="sum"), logits)
compare(
    [[-0.3348, 0.2447, 0.0900], [0.3333, -0.6667, 0.3333], [0.1863, 0.5065, -0.6928]],
    error,
    by_autograd,
)

# %%
figure, all_axes = new_figure(8, 2.5, columns=3, sharey=True)
for k, axes in enumerate(all_axes):
    colors = ["tab:red" if e > 0 else "tab:blue" for e in error[k]]
    bars = axes.bar(["0", "1", "2"], error[k], color=colors)
    axes.bar_label(bars, fmt="%.2f", padding=2)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(title=f"image {k}", xlabel="class", ylim=(-0.95, 0.75))
all_axes[0].set_ylabel("predicted - true")
figure

# %% [markdown] lang="en"
# *What one sees:* a step against the gradient lowers the red logits and raises the blue one, that of the true class; the worse the prediction, the longer the bars. Each image's bars sum to 0.
#
# **Question.** Why the logarithm? Would $1 - \hat{y}_c$ not do as a loss? <details><summary>Answer</summary>The probabilities of independent examples multiply, and their logarithms add up: the least cross-entropy is the maximum likelihood. And where a model is sure and wrong, the gradient of the other loss is nearly 0, just when it should move most; that of cross-entropy is nearly 1.</details>

# %% [markdown] lang="zh"
# *图中可见*：沿梯度的反方向走一步，红色的 logits 下降，蓝色的上升，而蓝色的正是真实类别；预测得越糟，条形越长。每幅图像的条形加起来都是 0。
#
# **思考**：为什么取对数？用 $1 - \hat{y}_c$ 作损失不行吗？<details><summary>答案</summary>独立样本的概率相乘，取对数之后就是相加：交叉熵最小就是似然最大。而且，模型有把握却错了的时候，另一种损失的梯度接近 0，偏偏在最该更新的时候不动；交叉熵的梯度则接近 1。</details>

# %% [markdown] exercises=3
# (the exercises of section 3)

# %% [markdown] lang="en"
# ## 4. Three losses of regression
#
# With the error $e = \hat{y} - y$:
#
# $$\tfrac{1}{2} e^2, \qquad |e|, \qquad \begin{cases} \tfrac{1}{2} e^2 & |e| \le \delta \\ \delta\,(|e| - \tfrac{1}{2}\delta) & |e| > \delta \end{cases}$$
#
# are the squared loss, the L1 loss and Huber's robust loss. By hand for $e = 2$ and $e = -0.5$, with $\delta = 1$: squared $2$ and $0.125$; L1 $2$ and $0.5$; Huber $1.5$ and $0.125$.
#
# **Why the ½?** So that the derivative of the squared loss is the error itself: $(\tfrac{1}{2} e^2)' = e$. Without it the gradient would be $2e$ and the best prediction the same; one would take half the learning rate. It also stands in the normal density, $\exp(-\tfrac{1}{2} e^2)$: least squares is maximum likelihood for normal noise, L1 for Laplace's.

# %% [markdown] lang="zh"
# ## 4. 回归的三种损失
#
# 记误差为 $e = \hat{y} - y$，则
#
# $$\tfrac{1}{2} e^2, \qquad |e|, \qquad \begin{cases} \tfrac{1}{2} e^2 & |e| \le \delta \\ \delta\,(|e| - \tfrac{1}{2}\delta) & |e| > \delta \end{cases}$$
#
# 分别是平方损失、L1 损失和 Huber 的鲁棒损失。动手算 $e = 2$ 和 $e = -0.5$ 的情形，取 $\delta = 1$：平方损失为 $2$ 和 $0.125$，L1 损失为 $2$ 和 $0.5$，Huber 损失为 $1.5$ 和 $0.125$。
#
# **为什么有 ½**？为了让平方损失的导数恰好是误差本身：$(\tfrac{1}{2} e^2)' = e$。没有它，梯度就是 $2e$，最优预测不变，只是学习率要减半。正态分布的密度里也有它：$\exp(-\tfrac{1}{2} e^2)$。最小二乘就是正态噪声下的最大似然，L1 损失则对应拉普拉斯噪声。

# %%
errors, zero = torch.tensor([2.0, -0.5]), torch.zeros(2)
in_the_text = {"squared": [2, 0.125], "l1": [2, 0.5], "huber": [1.5, 0.125]}
gradients = {"squared": [2, -0.5], "l1": [1, -1], "huber": [1, -0.5]}
for name in in_the_text:
    print(name, "and its gradient, by hand and by autograd")
    compare(in_the_text[name], *(getattr(t.losses, name)(errors, zero) for t in (scratch, concise)))
    slopes = (getattr(t.losses, f"{name}_gradient")(errors, zero) for t in (scratch, concise))
    compare(gradients[name], *slopes)
print("nn.MSELoss, without the ½:", nn.MSELoss(reduction="none")(errors, zero).numpy())

# %%
from d2l_softmax.figures.losses import draw_losses
from scratch import losses

draw_losses(
    {
        "squared loss": (losses.squared, losses.squared_gradient),
        "L1 loss": (losses.l1, losses.l1_gradient),
        "Huber's loss": (losses.huber, losses.huber_gradient),
    }
)

# %% [markdown] lang="en"
# *What one sees:* the gradient of the squared loss grows with the error, so far-off values pull hardest; that of L1 has one size everywhere and jumps at 0; Huber's is constant far away and smooth near 0.
#
# **Question.** Somebody typed 800 for 8.00 here and there. Which of the three losses would you take? <details><summary>Answer</summary>L1 or Huber: with them such a value pulls no harder than any other that is far away. With the squared loss the pull is the error itself, nearly 800, and the prediction follows.</details>

# %% [markdown] lang="zh"
# *图中可见*：平方损失的梯度随误差增大，所以离得最远的值拉力最大；L1 损失的梯度大小处处相同，在 0 处跳变；Huber 损失的梯度在远处恒定，在 0 附近平滑。
#
# **思考**：如果数据里有几处把 8.00 误写成了 800，三种损失里你会选哪个？<details><summary>答案</summary>选 L1 或 Huber：在它们那里，这样的值并不比别的远处的值拉力更大。平方损失的拉力就是误差本身，将近 800，预测也就跟着跑了。</details>

# %% [markdown] exercises=4
# (the exercises of section 4)

# %% [markdown] lang="en"
# ## 5. Fashion-MNIST
#
# MNIST's digits are too easy. Fashion-MNIST has the same size and shape, and ten kinds of clothing instead (Xiao, Rasul and Vollgraf, 2017). It is read in batches, shuffled anew in every pass.

# %% [markdown] lang="zh"
# ## 5. 图像分类数据集 Fashion-MNIST
#
# MNIST 的手写数字过于简单。Fashion-MNIST 的大小和格式与它相同，内容换成了十类服饰（Xiao、Rasul 和 Vollgraf，2017）。数据按小批量读取，每一遍都重新打乱。

# %%
shuffling = torch.Generator().manual_seed(0)
train_iter, test_iter = d2l.load_data_fashion_mnist(batch_size=256, generator=shuffling)
classes = test_iter.dataset.classes
print(len(train_iter.dataset), "training images and", len(test_iter.dataset), "test images")

images, labels = next(iter(test_iter))
print("a batch:", tuple(images.shape), images.dtype, "labels:", tuple(labels.shape), labels.dtype)
print("values from", images.min().item(), "to", images.max().item())

figure, axes = new_tiles(18, columns=9)
for place in range(18):
    title = shortened(classes[labels[place]])
    draw_tile(axes, place, 9, images[place], title, **GRAY)
figure

# %% [markdown] lang="en"
# *What one sees:* gray pictures of one garment each, bright on black. Pullover, coat and shirt differ little at this size; the model will take them for each other.
#
# By hand: how many batches of 256 are there in 60,000 images? $60000 = 234 \cdot 256 + 96$: 235 batches, the last one with 96 images. A mean over batches would count these 96 too much; that is why all means here are weighted by the size of the batch.

# %% [markdown] lang="zh"
# *图中可见*：每幅灰度图像是一件服饰，黑底亮图。套衫、外套和衬衫在这么小的尺寸下差别很小，模型会把它们互相认错。
#
# 动手算：60000 幅图像里有多少个大小为 256 的小批量？$60000 = 234 \cdot 256 + 96$：共 235 个，最后一个只有 96 幅。如果直接对各个小批量求平均，这 96 幅的分量就太重了；所以这里的平均值都按小批量的大小加权。

# %%
sizes = [len(labels) for _, labels in train_iter]
print(len(sizes), "batches, of", set(sizes))
first, second = (next(iter(train_iter))[1][:10].tolist() for _ in range(2))
print("two passes begin with the labels", first, "and", second)

# %% [markdown] lang="en"
# How long does one pass over the training data take? In the notes 1.72 s, with worker processes that turn images into tensors one at a time. Here the images stay in memory, and a batch is one look-up.

# %% [markdown] lang="zh"
# 读一遍训练数据要多久？笔记里是 1.72 秒：由多个进程把图像一幅一幅地转成张量。这里图像留在内存里，取一个小批量就是一次索引。

# %%
from torch.utils.data import DataLoader
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from d2l_softmax.data.sources import ensure_fashion_mnist

files = FashionMNIST(ensure_fashion_mnist(), train=True, transform=ToTensor())
workers = d2l.get_dataloader_workers()
loaders = {
    "this loader": train_iter,
    "the book's way": DataLoader(files, 256, shuffle=True, num_workers=workers),
}
for name, loader in loaders.items():
    timer = d2l.Timer()
    for images, labels in loader:
        continue
    print(f"{timer.stop():.2f} s  {name}")

# %%
images, labels = next(iter(d2l.load_data_fashion_mnist(32, resize=64)[0]))
print("resized to 64:", tuple(images.shape), images.dtype)

# %% [markdown] lang="en"
# The mean image of each class is the simplest summary of the data:

# %% [markdown] lang="zh"
# 每个类别的平均图像，是对数据最简单的概括：

# %%
all_images, all_labels = train_iter.dataset[torch.arange(60_000)]
means = torch.stack([all_images[all_labels == k].mean(dim=0) for k in range(10)])
figure, axes = new_tiles(10, columns=10)
for k in range(10):
    draw_tile(axes, k, 10, means[k], shortened(classes[k]), **GRAY)
figure

# %% [markdown] lang="en"
# *What one sees:* ten shapes, blurred where the garments of a class differ. Keep them in mind: the first step of training will find them again.
#
# **Question.** Why is each pass shuffled? <details><summary>Answer</summary>A batch should look like the whole data. Sorted by class, each batch would pull all weights towards one class, and the next would pull them back.</details>

# %% [markdown] lang="zh"
# *图中可见*：十个轮廓，同类服饰差别大的地方就模糊。请记住它们：训练的第一步还会遇到。
#
# **思考**：为什么每一遍都要打乱？<details><summary>答案</summary>一个小批量应当像整个数据集的缩影。如果按类别排好序，每个小批量都会把所有权重拉向同一个类别，下一个又把它们拉回去。</details>

# %% [markdown] exercises=5
# (the exercises of section 5)

# %% [markdown] lang="en"
# ## 6. From scratch: softmax
#
# Each image of $28 \times 28$ pixels is flattened to 784 numbers; there are ten outputs. Softmax works on whole matrices, row by row, and needs sums along a dimension. First look at a small matrix.

# %% [markdown] lang="zh"
# ## 6. 从零实现：softmax
#
# 每幅 $28 \times 28$ 像素的图像展平成 784 个数，输出有十个。softmax 对整个矩阵逐行进行，要用到沿某个维度的求和。先看一个小矩阵。

# %%
A = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
tables = {
    "X": A,
    "X.sum(0, keepdim=True)": A.sum(0, keepdim=True),
    "X.sum(1, keepdim=True)": A.sum(1, keepdim=True),
    "X / X.sum(1, keepdim=True)": A / A.sum(1, keepdim=True),
}
figure, all_axes = new_figure(9, 1.9, columns=4)
for axes, (title, matrix) in zip(all_axes, tables.items(), strict=True):
    draw_matrix(axes, matrix, title, brightest=30, cmap="Blues", color="black")
    axes.set(xlim=(-0.6, 2.6), ylim=(1.6, -0.6), xlabel=f"{tuple(matrix.shape)}")
    axes.set_frame_on(False)
figure

# %% [markdown] lang="en"
# *What one sees:* `sum(0)` adds down the columns, `sum(1)` along the rows. `keepdim=True` keeps the sums as a row or a column, so that dividing repeats ("broadcasts") them: $(2, 3)$ by $(2, 1)$ gives $(2, 3)$, each row divided by its own sum.
#
# By hand: $1 + 2 + 3 = 6$, so the first row becomes $1/6$, $2/6$, $3/6$. With $\exp$ before it, that is softmax. A matrix of random numbers: all entries positive, rows sum to 1.

# %% [markdown] lang="zh"
# *图中可见*：`sum(0)` 沿列向下加，`sum(1)` 沿行加。`keepdim=True` 让和保持为一行或一列，相除时就会按需重复（“广播”）：$(2, 3)$ 除以 $(2, 1)$ 得到 $(2, 3)$，每一行除以自己的和。
#
# 动手算：$1 + 2 + 3 = 6$，所以第一行变成 $1/6$、$2/6$、$3/6$。先取 $\exp$ 再这样做，就是 softmax。对一个随机矩阵：每个元素都为正，每行之和为 1。


# %%
def naive_softmax(X):
    X_exp = torch.exp(X)
    return X_exp / X_exp.sum(1, keepdim=True)  # (n, q) / (n, 1) -> (n, q)


random = torch.normal(0, 1, (2, 5))
for softmax in (naive_softmax, scratch.softmax, concise.softmax):
    probabilities = softmax(random)
    print(probabilities.numpy(), "rows sum to", probabilities.sum(1).numpy())

# %% [markdown] lang="en"
# **A trap.** Add 100 to all logits, as in section 2. On paper nothing changes. But floating-point numbers end: in float32 $\exp$ is infinite from $\log(3.4 \cdot 10^{38}) = 88.72$ on, and $\infty / \infty$ is not a number.

# %% [markdown] lang="zh"
# **一个陷阱**：像第 2 节那样给所有 logits 加上 100。在纸上什么都不会变。但浮点数是有上限的：在 float32 里，$\exp$ 从 $\log(3.4 \cdot 10^{38}) = 88.72$ 起就是无穷大，而 $\infty / \infty$ 得到 nan。

# %%
logits = O.float()  # the three images again
print("exp:    ", torch.exp(logits + 100)[0])
print("naive:  ", naive_softmax(logits + 100)[0])
print("scratch:", scratch.softmax(logits + 100)[0])
print("concise:", concise.softmax(logits + 100)[0])

for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
    limit = np.log(torch.finfo(dtype).max)
    below, above = (torch.tensor([limit * part], dtype=dtype).exp().item() for part in (0.99, 1.01))
    print(f"{dtype}: largest logit {limit:6.2f}   just below {below:.2g}   just above {above}")

# %%
figure, (left, right) = new_figure(8, 2.7, columns=2)
x = torch.linspace(-3, 3, 61)
left.plot(x, x.exp())
left.set(xlabel="x", ylabel="exp(x)")
markers = {"float64": "s", "float32": "o", "bfloat16": "+", "float16": "x"}
for name, marker in markers.items():
    limit = np.log(torch.finfo(getattr(torch, name)).max)
    right.plot([0, limit], [0, limit / np.log(10)], color="tab:blue")
    right.plot(limit, limit / np.log(10), marker, markersize=8, label=f"{name}: {limit:.2f}")
right.set(xlabel="x", ylabel="log₁₀ exp(x)")
right.legend(title="the largest x")
for axes in (left, right):
    axes.grid(alpha=0.3)
figure

# %% [markdown] lang="en"
# *What one sees:* $\exp$ grows so fast that its logarithm is drawn; the same line ends at 11.09 in float16, at 88.72 in bfloat16 and float32 and at 709.78 in float64. The range comes from the bits of the exponent, not from the number of digits: bfloat16 has fewer digits than float16, and float32's eight bits of exponent. More of them move the limit; they do not remove it.
#
# **The cure** is the fact that only differences matter: subtract the row's largest logit first. Then the largest exponent is 0, and $\exp$ is at most 1. This is what the line `logits - logits.amax(dim=1, keepdim=True)` in `scratch.softmax` does.
#
# **Question.** After that, can a term become too *small*? <details><summary>Answer</summary>Yes: exp(−104) is 0 in float32. As a probability that does no harm, but its logarithm is −∞. So <code>scratch.cross_entropy</code> puts a floor below the probability, and the library computes the logarithm from the logits and never takes log of 0.</details>

# %% [markdown] lang="zh"
# *图中可见*：$\exp$ 增长得太快，这里画的是它的对数；同一条线在 float16 里止于 11.09，在 bfloat16 和 float32 里止于 88.72，在 float64 里止于 709.78。数值范围取决于指数的位数，而不是有效数字的位数：bfloat16 的有效数字比 float16 少，指数却和 float32 一样有八位。指数的位数更多，只是把上限推远，并没有消除它。
#
# **解决办法**正来自“只有差才起作用”：先减去每行最大的 logit。这样最大的指数是 0，$\exp$ 最多为 1。`scratch.softmax` 里的 `logits - logits.amax(dim=1, keepdim=True)` 做的就是这件事。
#
# **思考**：减去之后，会不会有哪一项变得太*小*？<details><summary>答案</summary>会：在 float32 里 exp(−104) 等于 0。作为概率，这没有害处，但它的对数是 −∞。所以 <code>scratch.cross_entropy</code> 给概率设了下限，而框架直接由 logits 计算对数，从不对 0 取对数。</details>

# %% [markdown] exercises=6
# (the exercises of section 6)

# %% [markdown] lang="en"
# ## 7. From scratch: loss, accuracy, training, prediction
#
# The worked example of the notes: two examples, three classes. $\hat{y}$ gives $0.1$ and $0.5$ to the true classes 0 and 2; the first prediction is wrong, the second right, so the accuracy is $1/2$.

# %% [markdown] lang="zh"
# ## 7. 从零实现：损失、精度、训练与预测
#
# 笔记中的例子：两个样本，三个类别。$\hat{y}$ 给真实类别 0 和 2 的概率是 $0.1$ 和 $0.5$；第一个预测错误，第二个正确，所以精度是 $1/2$。

# %%
label = torch.tensor([0, 2])
guess = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
print("picked probabilities:", guess[[0, 1], label])
print("cross-entropy:       ", scratch.cross_entropy(guess, label, reduction="none"))
print("accuracy:            ", d2l.accuracy(guess, label) / len(label))

metric = d2l.Accumulator(2)  # correct predictions, examples
metric.add(d2l.accuracy(guess, label), len(label))
print("accumulated:         ", metric[0], "of", metric[1])

# %% [markdown] lang="en"
# ### The gradient of the weights, and one step
#
# From section 3, $\partial l / \partial o_j = \hat{y}_j - y_j$. A logit is $o_j = \sum_i x_i W_{ij} + b_j$, so $\partial o_j / \partial W_{ij} = x_i$ and $\partial o_j / \partial b_j = 1$. By the chain rule $\partial l / \partial W_{ij} = x_i (\hat{y}_j - y_j)$: *pixel times error*. The mean over the $n$ images of a batch is one product of matrices:
#
# $$\frac{\partial L}{\partial \mathbf{W}} = \frac{1}{n} \mathbf{X}^\top (\hat{\mathbf{Y}} - \mathbf{Y}), \qquad \frac{\partial L}{\partial b_j} = \frac{1}{n} \sum_i (\hat{Y}_{ij} - Y_{ij}).$$
#
# For the three images, with the errors of section 3:
#
# $$\frac{\partial L}{\partial \mathbf{W}} = \begin{bmatrix} 0.0306 & -0.0562 & 0.0257 \\ -0.1116 & 0.0816 & 0.0300 \\ 0.1111 & -0.2222 & 0.1111 \\ 0.0621 & 0.1688 & -0.2309 \end{bmatrix}, \qquad \frac{\partial L}{\partial \mathbf{b}} = \begin{bmatrix} 0.0616 & 0.0282 & -0.0898 \end{bmatrix}.$$
#
# One of them by hand, the last pixel and class 2: only image 2 has it, so $1 \cdot (-0.6928) / 3 = -0.2309$.

# %% [markdown] lang="zh"
# ### 权重的梯度，以及走一步
#
# 由第 3 节，$\partial l / \partial o_j = \hat{y}_j - y_j$。而 $o_j = \sum_i x_i W_{ij} + b_j$，所以 $\partial o_j / \partial W_{ij} = x_i$，$\partial o_j / \partial b_j = 1$。由链式法则，$\partial l / \partial W_{ij} = x_i (\hat{y}_j - y_j)$：*像素乘以误差*。对小批量中的 $n$ 幅图像取平均，就是一个矩阵乘法：
#
# $$\frac{\partial L}{\partial \mathbf{W}} = \frac{1}{n} \mathbf{X}^\top (\hat{\mathbf{Y}} - \mathbf{Y}), \qquad \frac{\partial L}{\partial b_j} = \frac{1}{n} \sum_i (\hat{Y}_{ij} - Y_{ij}).$$
#
# 对三幅图像，代入第 3 节的误差：
#
# $$\frac{\partial L}{\partial \mathbf{W}} = \begin{bmatrix} 0.0306 & -0.0562 & 0.0257 \\ -0.1116 & 0.0816 & 0.0300 \\ 0.1111 & -0.2222 & 0.1111 \\ 0.0621 & 0.1688 & -0.2309 \end{bmatrix}, \qquad \frac{\partial L}{\partial \mathbf{b}} = \begin{bmatrix} 0.0616 & 0.0282 & -0.0898 \end{bmatrix}.$$
#
# 动手算其中一个，最后一个像素、类别 2：只有图像 2 的这个像素不为零，所以是 $1 \cdot (-0.6928) / 3 = -0.2309$。

# %%
dW, db = hand_model.gradients(X, hand_model(X), y)  # by the formula
loss = concise.cross_entropy(library_model(X), y)
loss.backward()  # by autograd
in_the_text = [
    [0.0306, -0.0562, 0.0257],
    [-0.1116, 0.0816, 0.0300],
    [0.1111, -0.2222, 0.1111],
    [0.0621, 0.1688, -0.2309],
]
layer = library_model.net[1]
compare(in_the_text, dW, layer.weight.grad.T)  # nn.Linear keeps W as (q, d)
compare([0.0616, 0.0282, -0.0898], db, layer.bias.grad)

# %% [markdown] lang="en"
# Is the formula right? A check that knows nothing of it: move one weight a little up and a little down, and see how the loss changes (*finite differences*),
#
# $$\frac{\partial L}{\partial W_{ij}} \approx \frac{L(W_{ij} + \varepsilon) - L(W_{ij} - \varepsilon)}{2 \varepsilon}.$$

# %% [markdown] lang="zh"
# 公式对吗？有一种检验完全不依赖它：把一个权重稍稍调大、再稍稍调小，看损失怎样变化（*有限差分*）：
#
# $$\frac{\partial L}{\partial W_{ij}} \approx \frac{L(W_{ij} + \varepsilon) - L(W_{ij} - \varepsilon)}{2 \varepsilon}.$$


# %%
def loss_with(W):
    return scratch.cross_entropy(scratch.softmax(X @ W + b), y)


epsilon = 1e-6
numerical = torch.zeros_like(W)
for i, j in itertools.product(range(4), range(3)):
    shift = torch.zeros_like(W)
    shift[i, j] = epsilon
    numerical[i, j] = (loss_with(W + shift) - loss_with(W - shift)) / (2 * epsilon)
print("the formula agrees to 9 digits:", torch.allclose(dW, numerical, rtol=0, atol=1e-9))

# %% [markdown] lang="en"
# One step of gradient descent with the learning rate $\eta = 1$: $\mathbf{W} \leftarrow \mathbf{W} - \eta\, \partial L / \partial \mathbf{W}$. New weights, and new probabilities:
#
# $$\mathbf{W}' = \begin{bmatrix} 0.9694 & 1.0562 & -0.0257 \\ 1.1116 & -0.0816 & -0.0300 \\ -0.1111 & 0.2222 & 0.8889 \\ -0.0621 & 0.8312 & 1.2309 \end{bmatrix}, \qquad \hat{\mathbf{Y}}' = \begin{bmatrix} 0.6760 & 0.2312 & 0.0928 \\ 0.2671 & 0.4205 & 0.3124 \\ 0.1609 & 0.4244 & 0.4147 \end{bmatrix}.$$
#
# The loss falls from $0.8955$ to $0.7127$: image 1 is right now, and image 2 nearly so.

# %% [markdown] lang="zh"
# 取学习率 $\eta = 1$，做一步梯度下降：$\mathbf{W} \leftarrow \mathbf{W} - \eta\, \partial L / \partial \mathbf{W}$。新的权重和新的概率是：
#
# $$\mathbf{W}' = \begin{bmatrix} 0.9694 & 1.0562 & -0.0257 \\ 1.1116 & -0.0816 & -0.0300 \\ -0.1111 & 0.2222 & 0.8889 \\ -0.0621 & 0.8312 & 1.2309 \end{bmatrix}, \qquad \hat{\mathbf{Y}}' = \begin{bmatrix} 0.6760 & 0.2312 & 0.0928 \\ 0.2671 & 0.4205 & 0.3124 \\ 0.1609 & 0.4244 & 0.4147 \end{bmatrix}.$$
#
# 损失从 $0.8955$ 降到 $0.7127$：图像 1 已经预测正确，图像 2 也只差一点。

# %%
scratch.SGD(hand_model.parameters(), lr=1).step([dW, db])
concise.SGD(library_model.parameters(), lr=1).step()
compare(
    [
        [0.9694, 1.0562, -0.0257],
        [1.1116, -0.0816, -0.0300],
        [-0.1111, 0.2222, 0.8889],
        [-0.0621, 0.8312, 1.2309],
    ],
    hand_model.W,
    library_model.W,
)
compare(
    [[0.6760, 0.2312, 0.0928], [0.2671, 0.4205, 0.3124], [0.1609, 0.4244, 0.4147]],
    hand_model.probabilities(X),
    library_model.probabilities(X),
)
new_losses = (
    scratch.cross_entropy(hand_model(X), y),
    concise.cross_entropy(library_model(X), y),
)
compare(0.7127, *new_losses)

# %% [markdown] lang="en"
# ### The first step on Fashion-MNIST
#
# The same step with all 60,000 images at once, from weights that are 0. Every class gets $0.1$, and there are 6,000 images of each class. Put that into the formula: the negative gradient of class $k$ is a tenth of (mean image of class $k$ minus mean image of all).

# %% [markdown] lang="zh"
# ### 在 Fashion-MNIST 上的第一步
#
# 同样的一步，这次用全部 60000 幅图像，权重从 0 开始。每个类别的概率都是 $0.1$，而每个类别各有 6000 幅图像。代入公式就得到：类别 $k$ 的负梯度，等于（类别 $k$ 的平均图像减去全体的平均图像）的十分之一。

# %%
model = with_weights(scratch, torch.zeros(784, 10), torch.zeros(10))
dW, db = model.gradients(all_images, model(all_images), all_labels)
templates = -dW.T.reshape(10, 1, 28, 28)
torch.testing.assert_close(templates, (means - means.mean(dim=0)) / 10, rtol=0, atol=1e-5)

limit = templates.abs().max().item()
figure, axes = new_tiles(20, columns=10)
for k in range(10):
    draw_tile(axes, k, 10, means[k], shortened(classes[k]), **GRAY)
    draw_tile(axes, 10 + k, 10, templates[k], "", **signed_colors(limit))
figure

# %% [markdown] lang="en"
# *What one sees:* above, the mean images of section 5; below, what the first step writes into the weights: blue where a class is brighter than the average garment, orange where it is darker.
#
# ### Training
#
# Ten passes of `train_epoch`, from small random weights. Before it, the accuracy is that of guessing, near $0.1$.

# %% [markdown] lang="zh"
# *图中可见*：上面是第 5 节的平均图像，下面是第一步写进权重里的东西：蓝色处该类别比平均的服饰亮，橙色处则更暗。
#
# ### 训练
#
# 从很小的随机权重开始，`train_epoch` 运行十遍。训练之前的精度和瞎猜差不多，接近 $0.1$。

# %%
from d2l_softmax.figures.curves import draw_curves
from d2l_softmax.training.history import EpochRecord


def fit(twin, num_epochs=10, seed=0):
    """Train a twin from a seed; return the model, and history and weights of each epoch."""
    shuffling = torch.Generator().manual_seed(seed)
    train_iter, test_iter = d2l.load_data_fashion_mnist(256, generator=shuffling)
    model = twin.SoftmaxRegression(generator=torch.Generator().manual_seed(seed))
    optimizer = twin.SGD(model.parameters(), lr=0.1)
    print(f"test accuracy before training: {d2l.evaluate_accuracy(model, test_iter):.4f}")
    history, weights = [], []
    for epoch in range(1, num_epochs + 1):
        timer = d2l.Timer()
        train_loss, train_acc = twin.train_epoch(model, train_iter, optimizer)
        test_acc = d2l.evaluate_accuracy(model, test_iter)
        test_loss = d2l.evaluate_loss(model, test_iter, twin.cross_entropy)
        seconds = timer.stop()
        history.append(EpochRecord(epoch, train_loss, train_acc, test_acc, test_loss, seconds))
        weights.append(model.W.detach().clone())
    print("train loss {:.4f}, accuracy {:.4f}, test accuracy {:.4f}".format(*history[-1][1:4]))
    return model, history, weights


model, history, weights = fit(scratch)
draw_curves(history, "ten epochs of SGD, learning rate 0.1")

# %% [markdown] lang="en"
# *What one sees:* the loss falls from epoch to epoch, ever more slowly. The first test point may lie above the training one: training accuracy is measured while the epoch runs, before each step, that of the test after the epoch, with better weights.
#
# What was learned? One template for each class:

# %% [markdown] lang="zh"
# *图中可见*：损失逐个迭代周期下降，越来越慢。第一个迭代周期的测试精度可能高于训练精度：训练精度是在迭代周期进行中、每次更新之前测量的，测试精度则在迭代周期结束后用更好的权重测量。
#
# 模型学到了什么？每个类别一个模板：

# %%
from d2l_softmax.figures.evaluation import (
    draw_confusion,
    draw_mistakes,
    draw_predictions,
    draw_reliability,
    draw_templates,
)
from d2l_softmax.training.evaluation import evaluate

draw_templates(model.W, (1, 28, 28), classes)

# %% [markdown] lang="en"
# *What one sees:* compared with the first step there is more detail: a class's weights now stress what sets it apart from those that look like it.

# %% [markdown] lang="zh"
# *图中可见*：与第一步相比多了许多细节：每个类别的权重现在突出的，是它与相似类别的不同之处。

# %%
evaluation = evaluate(model, test_iter)
first_images = [test_iter.dataset[i][0] for i in range(18)]
draw_predictions(
    first_images, evaluation.y[:18].tolist(), evaluation.predicted[:18].tolist(), classes
)

# %% [markdown] lang="en"
# *What one sees:* the first test images with the true label above and the predicted one below; most are right.

# %% [markdown] lang="zh"
# *图中可见*：最前面的测试图像，上行是真实标签，下行是预测标签；大多数是对的。

# %%
draw_confusion(evaluation)

# %% [markdown] lang="en"
# *What one sees:* trousers and bags are hardly ever mistaken; shirts are spread over T-shirt, pullover and coat, as one could expect from the pictures in section 5.

# %% [markdown] lang="zh"
# *图中可见*：裤子和包很少认错；衬衫散落在 T 恤、套衫和外套之间，看过第 5 节的图像，这并不意外。

# %%
draw_mistakes(evaluation, test_iter.dataset)

# %% [markdown] lang="en"
# *What one sees:* where the model was most sure and wrong. Some are odd pictures, some show how little a template understands: it adds up pixels and knows nothing of sleeves.

# %% [markdown] lang="zh"
# *图中可见*：模型最有把握、却预测错了的图像。有些图像本来就古怪，有些则说明模板懂得太少：它只是把像素加权求和，并不知道什么是袖子。

# %%
draw_reliability(evaluation)

# %% [markdown] lang="en"
# *What one sees:* points near the dashed line mean that "0.8" is right in about 80 of 100 cases: here the probabilities can be believed, on images like those of the data.
#
# **Question.** Why is the accuracy not used as the loss? <details><summary>Answer</summary>It is a staircase: a small change of the weights changes no prediction, so its gradient is 0 almost everywhere. Cross-entropy rewards every bit of probability for the true class.</details>

# %% [markdown] lang="zh"
# *图中可见*：点靠近虚线，说明“0.8”在 100 次里大约有 80 次是对的：对于和数据集相似的图像，这里的概率是可信的。
#
# **思考**：为什么不直接用精度作损失？<details><summary>答案</summary>精度像台阶：权重稍微变一点，预测不变，所以梯度几乎处处为 0。交叉熵则奖励真实类别概率的每一点提高。</details>

# %% [markdown] exercises=7
# (the exercises of section 7)

# %% [markdown] lang="en"
# ## 8. Concise
#
# The same with the library: `nn.Flatten` and `nn.Linear`, weights from normal(0, 0.01), `nn.CrossEntropyLoss`, `torch.optim.SGD`, see [concise/softmax_regression.py](../concise/softmax_regression.py). What was written out by hand is now one name each. From the same seed it should give the same numbers.

# %% [markdown] lang="zh"
# ## 8. 简洁实现
#
# 用框架再做一遍：`nn.Flatten` 加 `nn.Linear`，权重取自 normal(0, 0.01)，损失用 `nn.CrossEntropyLoss`，优化器用 `torch.optim.SGD`，见 [concise/softmax_regression.py](../concise/softmax_regression.py)。从零手写的每一部分，现在都只是一个名字。随机种子相同，得到的数字也应当相同。

# %%
concise_model, concise_history, concise_weights = fit(concise)
pairs = list(zip(history, concise_history, strict=True))
loss_gaps = [abs(one.train_loss - other.train_loss) for one, other in pairs]
weight_gaps = [
    (one - other).abs().max().item() for one, other in zip(weights, concise_weights, strict=True)
]
print("losses equal within 1e-5: ", max(loss_gaps) < 1e-5)
print("weights equal within 1e-4:", max(weight_gaps) < 1e-4)

# %%
figure, (axes,) = new_figure(5.5, 2.9)
epochs = range(1, 11)
axes.plot(epochs, [gap or np.nan for gap in loss_gaps], "o-", label="train loss")
axes.plot(epochs, weight_gaps, "s--", label="W, largest entry")
axes.axhline(2**-23, color="gray", linestyle=":", label="rounding of float32, 1.2e-7")
axes.set(yscale="log", ylim=(1e-11, 1e-4), xlabel="epoch", ylabel="difference of the twins")
axes.legend(loc="upper left")
axes.grid(alpha=0.3)
figure

# %% [markdown] lang="en"
# *What one sees:* the twins stay together to about the rounding of float32. They add in a different order, and each of 2,350 steps rounds a little differently; in float64 the gap shrinks with the rounding.
#
# **Question.** The concise model ends with `nn.Linear` and has no softmax. Where is it? <details><summary>Answer</summary>In the loss, which takes logits. Who puts a softmax at the end of the model as well applies it twice; there is no error, and training only gets worse. Exercise 8.2 shows by how much.</details>

# %% [markdown] lang="zh"
# *图中可见*：两个版本始终一致，相差不过是 float32 的舍入误差上下。它们求和的次序不同，2350 次更新每次的舍入也略有不同；换成 float64，差别会随舍入误差一起缩小。
#
# **思考**：简洁版的模型以 `nn.Linear` 结尾，并没有 softmax。它在哪里？<details><summary>答案</summary>在损失里：它接受的是 logits。如果在模型末尾再加一个 softmax，就做了两次；程序不会报错，只是训练变差。练习 8.2 会说明差多少。</details>

# %% [markdown] exercises=8
# (the exercises of section 8)

# %% [markdown] lang="en"
# ## 9. One-hot labels, Adam at 1e-4, accuracy as a mean
#
# The notes end with a snippet for TensorFlow 1:
#
# ```python
# loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
# train_step = tf.train.AdamOptimizer(1e-4).minimize(loss)
# correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
# accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
# ```
#
# The labels are one-hot rows, the loss is the mean over the batch, the optimizer is Adam, and the accuracy is the mean of `equal`, cast to numbers. By hand, predictions $[1, 2, 0, 1]$ and labels $[1, 2, 2, 1]$: equal is $[1, 1, 0, 1]$, and its mean is $0.75$. Both twins can train this way, too.

# %% [markdown] lang="zh"
# ## 9. 独热标签、Adam（1e-4）、用均值求精度
#
# 笔记最后是一段 TensorFlow 1 的代码：
#
# ```python
# loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
# train_step = tf.train.AdamOptimizer(1e-4).minimize(loss)
# correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
# accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
# ```
#
# 标签是独热编码的行，损失是小批量上的平均值，优化器是 Adam，精度是把 `equal` 转成数之后的平均值。动手算：预测为 $[1, 2, 0, 1]$，标签为 $[1, 2, 2, 1]$，则 equal 为 $[1, 1, 0, 1]$，平均值为 $0.75$。两个版本也都能这样训练。

# %%
equal = torch.tensor([1, 2, 0, 1]) == torch.tensor([1, 2, 2, 1])
print("accuracy by hand:", equal.float().mean().item())

adam_losses = {}
test_images, test_labels = test_iter.dataset[torch.arange(10_000)]
for twin in (scratch, concise):
    shuffling = torch.Generator().manual_seed(0)
    train_iter, _ = d2l.load_data_fashion_mnist(256, generator=shuffling)
    one_hot_iter = [(X, nn.functional.one_hot(y, 10).float()) for X, y in train_iter]
    model = twin.SoftmaxRegression(generator=torch.Generator().manual_seed(0))
    optimizer = twin.Adam(model.parameters(), lr=1e-4)
    name = twin.__name__
    adam_losses[name] = [twin.train_epoch(model, one_hot_iter, optimizer)[0] for _ in range(3)]
    with torch.no_grad():
        equal = model(test_images).argmax(dim=1) == test_labels
    accuracy = equal.float().mean().item()
    print(f"{name}: train loss {adam_losses[name][-1]:.4f}, test accuracy {accuracy:.4f}")

# %%
figure, (axes,) = new_figure(5, 2.7)
axes.plot([1, 2, 3], [record.train_loss for record in history[:3]], "o-", label="SGD, 0.1")
for (name, values), width in zip(adam_losses.items(), (6, 1.5), strict=True):
    axes.plot([1, 2, 3], values, "s-", linewidth=width, alpha=0.6, label=f"Adam, 1e-4, {name}")
axes.set(xlabel="epoch", ylabel="train loss (nats)", xticks=[1, 2, 3], ylim=(0, None))
axes.legend()
axes.grid(alpha=0.3)
figure

# %% [markdown] lang="en"
# *What one sees:* both twins lie on one line again; with a step of about 1e-4 for each weight Adam is slower here than SGD with 0.1.
#
# **Question.** SGD's learning rate is 0.1, Adam's 0.0001. Is Adam a thousand times more careful? <details><summary>Answer</summary>No: Adam divides by the size of the gradient, so its rate is about the length of a step for each weight; SGD's rate is multiplied with the gradient, which is itself small here. The two numbers can't be compared.</details>

# %% [markdown] lang="zh"
# *图中可见*：两个版本又落在同一条线上；Adam 每步让每个权重移动大约 1e-4，在这里比学习率为 0.1 的 SGD 慢。
#
# **思考**：SGD 的学习率是 0.1，Adam 的是 0.0001。是不是说 Adam 谨慎一千倍？<details><summary>答案</summary>不是：Adam 会除以梯度的大小，所以它的学习率大致就是每个权重一步移动的长度；SGD 的学习率则要乘以梯度，而这里的梯度本来就小。这两个数不能相比。</details>

# %% [markdown] exercises=9
# (the exercises of section 9)
