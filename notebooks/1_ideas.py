# %% [markdown] lang="en"
# # Softmax regression 1: the ideas
#
# **You will learn** how a linear model becomes a classifier, what softmax and cross-entropy are, why they belong together, and which loss suits which noise. **You need** matrix products, the derivatives of exp and log, and a little PyTorch. **It takes** about an hour; the code itself runs in seconds.
#
# Three notebooks follow a course's lecture notes and the book *Dive into Deep Learning*: sections 1–4 are here, 5–7 in [from scratch](2_from_scratch.ipynb), 8 and 9 in [with the library](3_with_the_library.ipynb). You write every function in a cell. `scratch`, this project's implementation, is imported only to compare. Where it says **predict first**, write your answer down before you run the next cell. Each section ends with an experiment and three exercises, from ★ to ★★★. `make exercises` writes them as files; `make check` checks your functions and gives hints.

# %% [markdown] lang="zh"
# # Softmax 回归（一）：思想
#
# **学到什么**：线性模型怎样成为分类器，softmax 和交叉熵是什么、为什么配在一起，哪种损失对应哪种噪声。**需要什么**：矩阵乘法、exp 和 log 的导数，以及一点 PyTorch。**用时**：大约一小时；代码本身几秒钟就能运行完。
#
# 三个笔记本依照一份课程笔记和《动手学深度学习》一书：第 1–4 节在这里，第 5–7 节在[从零开始实现](2_from_scratch.zh-CN.ipynb)，第 8、9 节在[简洁实现](3_with_the_library.zh-CN.ipynb)。每个函数都由你在单元里写出来；导入本项目的实现 `scratch` 只是为了对照。看到**先猜一猜**时，请先写下答案，再运行下一个单元。每节最后有一个实验和三道练习，难度从 ★ 到 ★★★。`make exercises` 把练习写成文件，`make check` 检查你的函数并给出提示。

# %% setup=1

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 110, "bbox_inches": "tight"}
import torch

import scratch  # to compare with
from notebooks import drawing

torch.manual_seed(0)
torch.set_printoptions(precision=4, sci_mode=False)
agree = torch.testing.assert_close  # an error unless both are equal up to rounding

# %% lang="zh"
drawing.use_chinese()  # 图中文字用中文；需要中文字体，例如 Noto Sans CJK

# %% [markdown] lang="en"
# ## 1. Regression and classification
#
# Regression estimates a value: how much, how many. Classification predicts a category: which one. Take a single input $x$. On the left of the next figure, points scatter around a line. On the right, each of three classes has a line of its own, its *score*.
#
# **Predict first.** The class with the highest score wins. Which class wins at $x = -2$, at $0$, at $2$?

# %% [markdown] lang="zh"
# ## 1. 回归与分类
#
# 回归估计一个连续值：多少钱、多少个。分类预测一个类别：是哪一个。先看只有一个输入 $x$ 的情形。下图左边，点散布在一条直线周围；右边，三个类别各有一条直线，就是它的*分数*。
#
# **先猜一猜**：分数最高的类别胜出。在 $x = -2$、$0$、$2$ 处，各是哪个类别？

# %%
x = torch.linspace(-3, 3, 61)
values = 0.8 * x + 0.5 + torch.normal(0, 0.5, x.shape)
scores = torch.stack([-x, 0.2 * x + 1, x])
drawing.regression_and_classification(x, values, scores)

# %% [markdown] lang="en"
# Class 0 on the left, 1 in the middle, 2 on the right: the uppermost line wins. Classification with several classes is regression with several outputs, one score for each class,
#
# $$\hat{y} = \mathbf{x}^\top \mathbf{w} + b, \qquad \mathbf{o} = \mathbf{x}^\top \mathbf{W} + \mathbf{b}, \qquad \operatorname{argmax}_j o_j.$$
#
# By hand, with the features $\mathbf{x} = [1, 0, 2, 1]$, the weights $\mathbf{w} = [1, 2, 0, -1]$ and $b = 0.5$: $\hat{y} = 1 \cdot 1 + 0 \cdot 2 + 2 \cdot 0 + 1 \cdot (-1) + 0.5 = 0.5$. Three classes have three columns of weights, hence three such sums.

# %% [markdown] lang="zh"
# 左侧是类别 0，中间是 1，右侧是 2：最上面的直线胜出。多类分类就是有多个输出的回归，每个类别一个分数：
#
# $$\hat{y} = \mathbf{x}^\top \mathbf{w} + b, \qquad \mathbf{o} = \mathbf{x}^\top \mathbf{W} + \mathbf{b}, \qquad \operatorname{argmax}_j o_j.$$
#
# 动手算一下：特征 $\mathbf{x} = [1, 0, 2, 1]$，权重 $\mathbf{w} = [1, 2, 0, -1]$，偏置 $b = 0.5$，则 $\hat{y} = 1 \cdot 1 + 0 \cdot 2 + 2 \cdot 0 + 1 \cdot (-1) + 0.5 = 0.5$。三个类别有三列权重，也就有三个这样的和。


# %%
def linear(X, W, b):
    return X @ W + b  # (n, d) @ (d, q) + (q,) -> (n, q)


linear(torch.tensor([[1.0, 0, 2, 1]]), torch.tensor([[1.0], [2], [0], [-1]]), 0.5)

# %% [markdown] lang="en"
# **Experiment.** Change one of the three lines in `scores` so that class 1 never wins. Then add 100 to all three. What changes?

# %% [markdown] lang="zh"
# **实验**：改动 `scores` 里的一条直线，使类别 1 永远不会胜出。再给三条直线都加上 100。什么变了？

# %% [markdown] exercises=1
# (the exercises of section 1)

# %% [markdown] lang="en"
# ## 2. Softmax
#
# Three images of 2 × 2 pixels, from 0 (black) to 1 (white), belong to three classes: bright at the *top* (class 0), at the *left* (class 1), on the *diagonal* (class 2). Each class has a 2 × 2 template of weights.
#
# **Predict first.** Multiply image and template pixel by pixel and add up. Which class does each image get?

# %% [markdown] lang="zh"
# ## 2. Softmax
#
# 三幅 2 × 2 像素的小图，像素值从 0（黑）到 1（白），分属三个类别：*上边*亮（类别 0）、*左边*亮（类别 1）、*对角线*亮（类别 2）。每个类别有一个 2 × 2 的权重模板。
#
# **先猜一猜**：图像与模板逐像素相乘再相加，每幅图像会被分到哪个类别？

# %%
X = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 0], [0.5, 0, 0, 1]], dtype=torch.float64)  # (n, d)
y = torch.tensor([0, 1, 2])  # (n,)
W = torch.tensor([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 1]], dtype=torch.float64)  # (d, q)
b = torch.zeros(3, dtype=torch.float64)  # (q,)
drawing.images_and_weights(X, W)

# %% [markdown] lang="en"
# Flatten each image to a row; then all scores are one product, $\mathbf{O} = \mathbf{X}\mathbf{W} + \mathbf{b}$. They are called *logits*. With $\mathbf{b} = \mathbf{0}$:
#
# $$\mathbf{X} = \begin{bmatrix} 1 & 1 & 0 & 0 \\ 1 & 0 & 1 & 0 \\ 0.5 & 0 & 0 & 1 \end{bmatrix}, \quad \mathbf{W} = \begin{bmatrix} 1 & 1 & 0 \\ 1 & 0 & 0 \\ 0 & 0 & 1 \\ 0 & 1 & 1 \end{bmatrix}, \quad \mathbf{O} = \begin{bmatrix} 2 & 1 & 0 \\ 1 & 1 & 1 \\ 0.5 & 1.5 & 1 \end{bmatrix}.$$
#
# Image 0 is right, image 1 is a tie, and image 2 is taken for class 1: $0.5 \cdot 1 + 0 \cdot 0 + 0 \cdot 0 + 1 \cdot 1 = 1.5$.
#
# Logits may be negative and have any sum. *Softmax* turns each row into probabilities: $\exp$ makes every entry positive, and dividing by the row's total makes them add up to 1,
#
# $$\hat{y}_j = \frac{\exp(o_j)}{\sum_k \exp(o_k)}.$$

# %% [markdown] lang="zh"
# 把每幅图像展平成一行，全部分数就是一个矩阵乘法 $\mathbf{O} = \mathbf{X}\mathbf{W} + \mathbf{b}$，称为*未规范化的预测*（logits）。取 $\mathbf{b} = \mathbf{0}$：
#
# $$\mathbf{X} = \begin{bmatrix} 1 & 1 & 0 & 0 \\ 1 & 0 & 1 & 0 \\ 0.5 & 0 & 0 & 1 \end{bmatrix}, \quad \mathbf{W} = \begin{bmatrix} 1 & 1 & 0 \\ 1 & 0 & 0 \\ 0 & 0 & 1 \\ 0 & 1 & 1 \end{bmatrix}, \quad \mathbf{O} = \begin{bmatrix} 2 & 1 & 0 \\ 1 & 1 & 1 \\ 0.5 & 1.5 & 1 \end{bmatrix}.$$
#
# 图像 0 预测正确，图像 1 打成平手，图像 2 被当成了类别 1：$0.5 \cdot 1 + 0 \cdot 0 + 0 \cdot 0 + 1 \cdot 1 = 1.5$。
#
# logits 可以是负数，总和也没有限制。*softmax* 把每一行变成概率：$\exp$ 使每个数为正，除以这一行的总和使它们加起来等于 1：
#
# $$\hat{y}_j = \frac{\exp(o_j)}{\sum_k \exp(o_k)}.$$


# %%
def softmax(O):
    exponentials = torch.exp(O)
    return exponentials / exponentials.sum(dim=1, keepdim=True)  # (n, q) / (n, 1) -> (n, q)


O = linear(X, W, b)
y_hat = softmax(O)
agree(y_hat, scratch.softmax(O))
y_hat

# %% [markdown] lang="en"
# By hand for image 0: $e^2 = 7.3891$, $e^1 = 2.7183$, $e^0 = 1$ have the sum $11.1073$, and $7.3891 / 11.1073 = 0.6652$. All three images:
#
# $$\hat{\mathbf{Y}} = \begin{bmatrix} 0.6652 & 0.2447 & 0.0900 \\ 0.3333 & 0.3333 & 0.3333 \\ 0.1863 & 0.5065 & 0.3072 \end{bmatrix}.$$
#
# **Predict first.** Follow image 2 through both steps. Does the order of the classes change? What happens to the differences?

# %% [markdown] lang="zh"
# 动手算图像 0：$e^2 = 7.3891$、$e^1 = 2.7183$、$e^0 = 1$，总和为 $11.1073$，而 $7.3891 / 11.1073 = 0.6652$。三幅图像合在一起：
#
# $$\hat{\mathbf{Y}} = \begin{bmatrix} 0.6652 & 0.2447 & 0.0900 \\ 0.3333 & 0.3333 & 0.3333 \\ 0.1863 & 0.5065 & 0.3072 \end{bmatrix}.$$
#
# **先猜一猜**：图像 2 依次经过这两步，类别的大小次序会变吗？差距会怎样？

# %%
drawing.softmax_steps(O[2])

# %% [markdown] lang="en"
# The order never changes, so the prediction alone needs no softmax. $\exp$ enlarges the differences.
#
# **Predict first.** What changes if you add 100 to all logits? What if you divide them by a *temperature* $T$ of 0.5, 2 or 10?

# %% [markdown] lang="zh"
# 次序始终不变，所以只要预测的类别就不需要 softmax。$\exp$ 拉大了差距。
#
# **先猜一猜**：给所有 logits 都加上 100，会有什么变化？把它们除以*温度* $T$，取 0.5、2 或 10，又会怎样？

# %%
agree(softmax(O + 100), softmax(O))
drawing.temperatures(softmax, torch.tensor([[1.0, -1.0, 3.0, 0.5]]), [0.5, 1, 2, 10])

# %% [markdown] lang="en"
# Adding 100 changes nothing: $\exp(o_j + 100) = e^{100} \exp(o_j)$, and $e^{100}$ cancels. **Only differences matter**, and their size is the confidence. As $T \to 0$ softmax becomes argmax; as $T \to \infty$ all classes get equal shares.
#
# With two classes, divide numerator and denominator by $\exp(o_1)$: $\hat{y}_1 = \frac{\exp(o_1)}{\exp(o_0) + \exp(o_1)} = \frac{1}{1 + \exp(-(o_1 - o_0))}$, the sigmoid of the difference. Logistic regression is softmax regression with two classes.

# %% [markdown] lang="zh"
# 加上 100 什么也没变：$\exp(o_j + 100) = e^{100} \exp(o_j)$，$e^{100}$ 约掉了。**起作用的只是得分之差**，差的大小决定置信度。$T \to 0$ 时 softmax 变成 argmax，$T \to \infty$ 时各个类别的概率相同。
#
# 只有两个类别时，分子和分母同除以 $\exp(o_1)$：$\hat{y}_1 = \frac{\exp(o_1)}{\exp(o_0) + \exp(o_1)} = \frac{1}{1 + \exp(-(o_1 - o_0))}$，正是差的 sigmoid。logistic 回归就是两个类别的 softmax 回归。

# %%
z = torch.linspace(-6, 6, 121)
agree(softmax(torch.stack([torch.zeros_like(z), z], dim=1))[:, 1], torch.sigmoid(z))

# %% [markdown] lang="en"
# **Experiment.** Apply `softmax` twice, to `O` and to its result, and explain why the rows become more alike.

# %% [markdown] lang="zh"
# **实验**：做两次 `softmax`：先对 `O`，再对结果。为什么每一行都变得更均匀？请解释。

# %% [markdown] exercises=2
# (the exercises of section 2)

# %% [markdown] lang="en"
# ## 3. Cross-entropy
#
# How bad is a prediction? Write the label as a *one-hot* row: 1 at the true class, 0 elsewhere. The cross-entropy is a sum over the classes with one term that is not zero, that of the true class $c$:
#
# $$l(\mathbf{y}, \hat{\mathbf{y}}) = -\sum_j y_j \log \hat{y}_j = -\log \hat{y}_c.$$
#
# By hand, the three images give $0.6652$, $0.3333$ and $0.3072$ to their true classes: $-\log 0.6652 = 0.4076$, $-\log 0.3333 = 1.0986$, $-\log 0.3072 = 1.1803$. Their mean is the loss of the batch, $0.8955$. Its unit is the *nat*, because the logarithm is natural.

# %% [markdown] lang="zh"
# ## 3. 交叉熵
#
# 一个预测有多糟？把标签写成*独热编码*：真实类别处为 1，其余为 0。交叉熵是对所有类别求和，其中不为零的只有真实类别 $c$ 那一项：
#
# $$l(\mathbf{y}, \hat{\mathbf{y}}) = -\sum_j y_j \log \hat{y}_j = -\log \hat{y}_c.$$
#
# 动手算：三幅图像给各自真实类别的概率是 $0.6652$、$0.3333$ 和 $0.3072$，于是 $-\log 0.6652 = 0.4076$，$-\log 0.3333 = 1.0986$，$-\log 0.3072 = 1.1803$。它们的平均值就是这个小批量的损失：$0.8955$。用的是自然对数，所以单位是 *nat*。


# %%
def cross_entropy(y_hat, y):
    return -torch.log(y_hat[range(len(y)), y]).mean()  # row i, column y[i]


one_hot = torch.eye(3, dtype=torch.float64)[y]
agree(cross_entropy(y_hat, y), -(one_hot * torch.log(y_hat)).sum(dim=1).mean())
agree(cross_entropy(y_hat, y), scratch.cross_entropy(y_hat, y))
cross_entropy(y_hat, y)

# %% [markdown] lang="en"
# **Predict first.** What does a probability of 1 cost? By how much does the loss grow each time the probability is halved?

# %% [markdown] lang="zh"
# **先猜一猜**：概率为 1 时损失是多少？概率每减半一次，损失增加多少？

# %%
drawing.cost_of_probability(y_hat[range(3), y])

# %% [markdown] lang="en"
# Nothing, and $\log 2 = 0.69$. Being confidently right costs almost nothing; being confidently wrong costs without limit.
#
# **Why the logarithm?** Probabilities of independent examples multiply, so their logarithms add up: the smallest cross-entropy is the maximum likelihood.
#
# **The gradient.** In terms of the logits the loss is $-\log \hat{y}_c = \log \sum_k \exp(o_k) - o_c$. Differentiate by $o_j$: the first term gives softmax again; the second gives 1 if $j = c$ and otherwise 0, which is $y_j$. So
#
# $$\frac{\partial l}{\partial o_j} = \frac{\exp(o_j)}{\sum_k \exp(o_k)} - y_j = \hat{y}_j - y_j.$$
#
# It is simply predicted minus true. For the three images:
#
# $$\hat{\mathbf{Y}} - \mathbf{Y} = \begin{bmatrix} -0.3348 & 0.2447 & 0.0900 \\ 0.3333 & -0.6667 & 0.3333 \\ 0.1863 & 0.5065 & -0.6928 \end{bmatrix}.$$
#
# **Predict first.** A step against this gradient changes the logits. Which rise and which fall? Which image changes most?

# %% [markdown] lang="zh"
# 损失为零；每次增加 $\log 2 = 0.69$。对得有把握，损失接近于零；错得有把握，损失没有上限。
#
# **为什么取对数**？独立样本的概率相乘，取对数之后就是相加：交叉熵最小就是似然最大。
#
# **梯度**：用 logits 写出损失：$-\log \hat{y}_c = \log \sum_k \exp(o_k) - o_c$，再对 $o_j$ 求导：第一项又得到 softmax；第二项在 $j = c$ 时为 1，否则为 0，也就是 $y_j$。所以
#
# $$\frac{\partial l}{\partial o_j} = \frac{\exp(o_j)}{\sum_k \exp(o_k)} - y_j = \hat{y}_j - y_j.$$
#
# 预测减去真实，仅此而已。三幅图像的结果是：
#
# $$\hat{\mathbf{Y}} - \mathbf{Y} = \begin{bmatrix} -0.3348 & 0.2447 & 0.0900 \\ 0.3333 & -0.6667 & 0.3333 \\ 0.1863 & 0.5065 & -0.6928 \end{bmatrix}.$$
#
# **先猜一猜**：沿梯度的反方向更新一步，哪些 logits 上升，哪些下降？哪幅图像变化最大？

# %%
logits = O.clone().requires_grad_()
(3 * cross_entropy(softmax(logits), y)).backward()  # the sum of three losses
agree(logits.grad, y_hat - one_hot)
drawing.errors(y_hat - one_hot)

# %% [markdown] lang="en"
# The true class (blue) rises, the others (red) fall. The worse the prediction, the longer the bars; those of an image add up to 0.

# %% [markdown] lang="zh"
# 真实类别（蓝色）上升，其余（红色）下降。预测得越糟，条形越长；每幅图像的条形加起来等于 0。

# %% [markdown] lang="en"
# **Experiment.** Replace the loss by $1 - \hat{y}_c$ and compute its gradient with `backward` for the logits $(0, 10, 0)$ and class 0. How large is it, and how large is that of cross-entropy?

# %% [markdown] lang="zh"
# **实验**：把损失换成 $1 - \hat{y}_c$，对 logits $(0, 10, 0)$ 和类别 0 用 `backward` 计算梯度。它有多大？交叉熵的梯度又有多大？

# %% [markdown] exercises=3
# (the exercises of section 3)

# %% [markdown] lang="en"
# ## 4. Three regression losses
#
# Regression measures the error $e = \hat{y} - y$ by the squared loss, the L1 loss, or Huber's robust loss:
#
# $$\tfrac{1}{2} e^2, \qquad |e|, \qquad \begin{cases} \tfrac{1}{2} e^2 & |e| \le \delta \\ \delta\,(|e| - \tfrac{1}{2}\delta) & |e| > \delta \end{cases}$$
#
# By hand for $e = 2$ and $e = -0.5$, with $\delta = 1$: squared $2$ and $0.125$; L1 $2$ and $0.5$; Huber $1.5$ and $0.125$.
#
# **Why the ½?** The 2 from the derivative cancels: $(\tfrac{1}{2} e^2)' = e$. It is also the ½ of the normal density, $\exp(-\tfrac{1}{2} e^2)$. Each loss assumes a kind of noise: the squared loss Gaussian, L1 Laplace.
#
# **Predict first.** A value of 8.00 was typed as 800. Which loss lets this value pull hardest? Look at the gradients.

# %% [markdown] lang="zh"
# ## 4. 回归的三种损失
#
# 回归用平方损失、L1 损失或 Huber 的鲁棒损失来衡量误差 $e = \hat{y} - y$：
#
# $$\tfrac{1}{2} e^2, \qquad |e|, \qquad \begin{cases} \tfrac{1}{2} e^2 & |e| \le \delta \\ \delta\,(|e| - \tfrac{1}{2}\delta) & |e| > \delta \end{cases}$$
#
# 动手算 $e = 2$ 和 $e = -0.5$ 的情形，取 $\delta = 1$：平方损失为 $2$ 和 $0.125$，L1 损失为 $2$ 和 $0.5$，Huber 损失为 $1.5$ 和 $0.125$。
#
# **为什么有 ½**？为了与求导得到的 2 约掉：$(\tfrac{1}{2} e^2)' = e$。正态分布的密度 $\exp(-\tfrac{1}{2} e^2)$ 里的 ½ 也是它。每种损失都假定了一种噪声：平方损失对应高斯噪声，L1 损失对应拉普拉斯噪声。
#
# **先猜一猜**：有人把 8.00 误写成了 800。哪种损失会被这个值拉得最远？请看梯度。


# %%
def squared(y_hat, y):
    return (y_hat - y) ** 2 / 2


def l1(y_hat, y):
    return (y_hat - y).abs()


def huber(y_hat, y, delta=1.0):
    size = (y_hat - y).abs()
    return torch.where(size <= delta, size**2 / 2, delta * (size - delta / 2))


gradients = {
    squared: lambda y_hat, y: y_hat - y,
    l1: lambda y_hat, y: torch.sign(y_hat - y),
    huber: lambda y_hat, y: (y_hat - y).clamp(-1, 1),
}
errors = torch.tensor([2.0, -0.5])
for loss, gradient in gradients.items():
    agree(loss(errors, 0 * errors), getattr(scratch.losses, loss.__name__)(errors, 0 * errors))
    print(f"{loss.__name__:8}", loss(errors, 0), gradient(errors, 0))
drawing.losses(gradients)

# %% [markdown] lang="en"
# The squared loss: its gradient is the error itself, nearly 800, and the prediction follows. L1 and Huber barely move, because their gradients never exceed 1 in size. L1's jumps at 0; Huber's is continuous.

# %% [markdown] lang="zh"
# 平方损失：它的梯度就是误差本身，将近 800，预测也就跟着走了。L1 和 Huber 受影响很小，因为梯度的大小不超过 1。L1 的梯度在 0 处跳变，Huber 的连续。

# %% [markdown] lang="en"
# **Experiment.** Find the prediction with the smallest mean loss for the values 7.9, 8.0, 8.1 and 800, once for each loss. Try every number from 0 to 800.

# %% [markdown] lang="zh"
# **实验**：数据是 7.9、8.0、8.1 和 800，对每种损失各找一次使平均损失最小的预测值。试遍从 0 到 800 的数。

# %% [markdown] exercises=4
# (the exercises of section 4)

# %% [markdown] lang="en"
# ## Summary
#
# - Classification is regression with one score per class; the largest score wins.
# - Softmax turns scores into probabilities. It keeps their order, and only differences matter.
# - Cross-entropy is $-\log$ of the true class's probability. Its gradient by the logits is $\hat{\mathbf{y}} - \mathbf{y}$.
# - A loss assumes a kind of noise: squared Gaussian, L1 Laplace, Huber both.
#
# **Open questions**
#
# 1. A mushroom is edible with probability 0.9. Is the most probable class always the best answer?
# 2. Softmax gives every image to one of its classes. How could a model say "none of these"?
#
# Next: [from scratch](2_from_scratch.ipynb).

# %% [markdown] lang="zh"
# ## 小结
#
# - 分类就是每个类别一个分数的回归，分数最大的胜出。
# - softmax 把分数变成概率：次序不变，起作用的只是得分之差。
# - 交叉熵是真实类别概率的 $-\log$，它对 logits 的梯度是 $\hat{\mathbf{y}} - \mathbf{y}$。
# - 每种损失都假定了一种噪声：平方损失对应高斯噪声，L1 对应拉普拉斯噪声，Huber 介于两者之间。
#
# **开放问题**
#
# 1. 一朵蘑菇可食用的概率是 0.9。概率最大的类别总是最好的答案吗？
# 2. softmax 总要把图像归入某一类。模型怎样才能说“都不是”？
#
# 下一个：[从零开始实现](2_from_scratch.zh-CN.ipynb)。
